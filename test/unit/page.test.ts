/** Pages of results: whole, harmless, and loading nothing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AbortedError, OutputError } from "../../lib/index.js";
import { type Page, writePage } from "../../lib/viewer/page.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hostile = `</script><script>alert("1")</script><!-- 'x' & y`;
const image = join(folder, "scan.nii.gz");
const masks = join(folder, "masks.nii.gz");
const page: Page = {
  title: hostile,
  note: "a demo",
  about: ["about it"],
  columns: ["Dice"],
  organs: [
    {
      ...{ name: hostile, label: 3, present: true, cells: ["0.88"] },
      box: { min: [1, 2, 3], max: [4, 5, 6] },
      truth: { min: [1, 2, 2], max: [4, 5, 7] },
    },
    { name: "spleen", label: 4, present: false, cells: ["absent"] },
  ],
  summary: ["0.88"],
  ...{ image, masks, shape: [8, 9, 10], affine: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1] },
};

/** Elements of this name: attributes and text. */
function elements(html: string, name: string): { attributes: string; text: string }[] {
  const found = html.matchAll(new RegExp(`<${name}([^>]*)>(.*?)</${name}>`, "gs"));
  return [...found].map(([, attributes = "", text = ""]) => ({ attributes, text }));
}

describe("a page", () => {
  let html = "";
  let scripts: ReturnType<typeof elements> = [];

  beforeAll(async () => {
    // Lengths that base64 in pieces gets wrong if it pads each of them.
    for (const [path, length] of [
      [image, 200_001],
      [masks, 100],
    ] as const) {
      writeFileSync(path, Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256)));
    }
    const path = join(folder, "index.html");
    await writePage(path, page, {});
    html = readFileSync(path, "utf8");
    scripts = elements(html, "script");
  });

  it("holds the volumes, byte for byte", () => {
    for (const [id, path] of [
      ["ct", image],
      ["masks", masks],
    ] as const) {
      const script = scripts.find(({ attributes }) => attributes.includes(`id="${id}"`));
      expect(Buffer.from(script?.text ?? "", "base64").equals(readFileSync(path))).toBe(true);
    }
  });

  it("loads nothing, and tells the browser so", () => {
    expect(html).toContain(`http-equiv="Content-Security-Policy" content="default-src 'none';`);
    for (const { attributes } of scripts) expect(attributes).not.toMatch(/src=|type="module"/);
    const withoutScripts = html.replace(/<script.*?<\/script>/gs, "");
    expect(elements(withoutScripts, "style")).toHaveLength(1);
    expect(withoutScripts).not.toMatch(/src=|href=|url\(|@import|https?:/);
  });

  it("is five scripts, whatever names say; those that run parse", () => {
    expect(scripts.map(({ attributes }) => attributes.trim())).toEqual([
      'type="application/json" id="data"',
      'type="text/plain" id="ct" data-name="scan.nii.gz"',
      'type="text/plain" id="masks" data-name="masks.nii.gz"',
      "",
      "",
    ]);
    for (const { text } of scripts.slice(3)) expect(() => new Script(text)).not.toThrow();
    expect(html.trimEnd().endsWith("</html>")).toBe(true);
  });

  it("has what the viewer reads", () => {
    const data = JSON.parse(scripts[0]?.text ?? "");
    expect(data).toMatchObject({ shape: [8, 9, 10], affine: page.affine });
    const [first, second] = data.organs;
    expect(first).toMatchObject({ name: hostile, label: 3, box: page.organs[0]?.box });
    expect(first.boxes).toEqual([page.organs[0]?.box]);
    expect(first.color).toHaveLength(3);
    expect(second).toMatchObject({ present: false, boxes: [] });
    const ids = [...html.matchAll(/byId\("([a-z-]+)"\)/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(5);
    for (const id of ids) expect(html).toContain(`id="${id}"`);
  });

  it("shows names as they are, and the note and the table without a script", () => {
    const escaped = hostile
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;");
    expect(elements(html, "title")[0]?.text).toBe(escaped);
    expect(html).toContain('<p class="note">a demo</p>');
    const [row, absent] = elements(elements(html, "tbody")[0]?.text ?? "", "tr");
    expect(row?.text).toContain(escaped);
    expect(row?.text).toContain("<td>0.88</td>");
    expect(absent?.text).toContain("<td>absent</td>");
  });
});

describe("a page that cannot be written", () => {
  const path = join(folder, "kept.html");
  const leftovers = () => readdirSync(folder).filter((name) => name.includes("kept"));

  it("keeps what was there", async () => {
    writeFileSync(path, "kept");
    const gone = { ...page, masks: join(folder, "gone.nii.gz") };
    await expect(writePage(path, gone, {})).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    const signal = AbortSignal.abort();
    await expect(writePage(path, page, { signal })).rejects.toThrow(AbortedError);
    expect(readFileSync(path, "utf8")).toBe("kept");
    expect(leftovers()).toEqual(["kept.html"]);
  });

  it("says where and why", async () => {
    const nowhere = join(folder, "no/such/index.html");
    const refused = writePage(nowhere, page, {});
    await expect(refused).rejects.toThrow(OutputError);
    await expect(refused).rejects.toThrow(nowhere);
  });
});
