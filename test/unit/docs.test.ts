/** What comments and documents refer to is there: parts of the method, files, headings. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readBoxesFile } from "../../lib/formats/boxes.js";
import { readExtremePoints, readPoints, Volume } from "../../lib/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

function filesOf(folder: string, name: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => name.test(path))
    .map((path) => join(root, folder, path));
}

const documents = [
  ...readdirSync(root)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(root, name)),
  ...["docs", "bench", "models", "test"].flatMap((folder) => filesOf(folder, /\.md$/)),
];

describe("algorithm.md", () => {
  const text = readFileSync(join(root, "docs/explanation/algorithm.md"), "utf8");
  // "## 5. Localization", "**5.1 Where is this scan?**", "**Q4.**"
  const parts = new Set(
    Array.from(text.matchAll(/^(?:## |\*\*)(\d(?:\.\d)?)\.? /gm), ([, n]) => n),
  );
  const quirks = new Set(Array.from(text.matchAll(/\*\*(Q\d)/g), ([, n]) => n));
  const sources = ["lib", "native", "bench"].flatMap((folder) =>
    filesOf(folder, /\.(ts|cpp|hpp|mjs|md)$/).map((path) => ({
      path: relative(root, path),
      // Comments that go on on the next line are one text.
      comment: readFileSync(path, "utf8").replace(/\s*\n\s*(\/\/|\*)?\s*/g, " "),
    })),
  );

  it("has every part that is cited", () => {
    const number = String.raw`\d(?:\.\d)?`;
    const citation = new RegExp(
      `(?:algorithm\\.md(?:'s)? (?:parts? )?|\\b[Pp]arts? )(${number}(?:(?:, | and | to |, and )${number})*)(?![\\d%])`,
      "g",
    );
    const cited = sources.flatMap(({ path, comment }) =>
      Array.from(comment.matchAll(citation), ([, list = ""]) =>
        Array.from(list.matchAll(/\d(?:\.\d)?/g), ([part]) => ({ path, part })),
      ).flat(),
    );
    expect(cited.length).toBeGreaterThan(60);
    expect(cited.filter(({ part }) => !parts.has(part))).toEqual([]);
  });

  it("has every quirk that is cited", () => {
    const cited = sources.flatMap(({ path, comment }) =>
      Array.from(comment.matchAll(/\((Q\d)\)/g), ([, quirk]) => ({ path, quirk })),
    );
    expect(cited.length).toBeGreaterThan(4);
    expect(cited.filter(({ quirk }) => !quirks.has(quirk))).toEqual([]);
  });
});

describe("the examples of formats.md are read by the readers", () => {
  const text = readFileSync(join(root, "docs/reference/formats.md"), "utf8");
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "medlsam-docs-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The JSON under a heading, as a file. */
  function example(heading: string): string {
    const [, section = ""] = text.split(`\n## ${heading}\n`);
    const json = /^```json\n([\s\S]*?)^```/m.exec(section)?.[1];
    const path = join(folder, `${anchor(heading)}.json`);
    writeFileSync(path, json ?? "");
    return path;
  }

  it("boxes", async () => {
    const { shape, organs } = await readBoxesFile(example("boxes.json"));
    expect(shape).toEqual([110, 130, 150]);
    expect(organs.liver?.parts).toEqual([organs.liver?.box]);
  });

  it("points", async () => {
    const affine = [50, 0, 0, -500, 0, 50, 0, -500, 0, 0, 50, -500, 0, 0, 0, 1];
    const volume = await Volume.fromArray(new Uint8Array(20 ** 3), { shape: [20, 20, 20], affine });
    const { liver } = await readPoints(example("Prompts"), volume);
    expect(liver?.points?.map(({ foreground }) => foreground)).toEqual([true, false]);
    volume.close();
  });

  it("extreme points", async () => {
    const organs = await readExtremePoints(example("Extreme points"));
    expect(organs.map(({ name, label }) => [name, label])).toEqual([
      ["liver", 1],
      ["spleen", undefined],
    ]);
  });
});

/** GitHub's anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

describe.each(documents.map((path) => [relative(root, path), path]))("%s", (_, path) => {
  const text = readFileSync(path, "utf8").replace(/^```[\s\S]*?^```/gm, "");

  it("links to files and headings that are there", () => {
    const links = Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link).filter(
      (link) => !/^[a-z]+:/.test(link),
    );
    const broken = links.filter((link) => {
      const [file = "", heading] = link.split("#");
      const target = file === "" ? path : join(dirname(path), file);
      if (!existsSync(target)) return true;
      if (heading === undefined) return false;
      const headings = readFileSync(target, "utf8").matchAll(/^#+ (.*)$/gm);
      return !Array.from(headings, ([, title = ""]) => anchor(title)).includes(heading);
    });
    expect(broken).toEqual([]);
  });
});
