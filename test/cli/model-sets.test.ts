/** The sets of models that come along, and a package with a set of the test's own: heads of phantoms. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Localization,
  type ModelSet,
  makePhantom,
  modelSets,
  models,
  writePhantom,
} from "../../lib/index.js";
import { copyPackage, expectRefusal, start, succeed } from "../support/command.js";
import { count, readMask, sam } from "../support/segmentation.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the sets that come along", () => {
  it("are described as their files are", () => {
    const check = spawnSync(process.execPath, ["scripts/model-sets.mjs", "--check"], { cwd: root });
    expect({ status: check.status, stderr: `${check.stderr}` }).toEqual({ status: 0, stderr: "" });
  });

  it("weigh 12 MB at most, all files together, and none lies there unnamed", () => {
    const named = new Set(
      modelSets().flatMap(({ files }) => Object.values(files).map((file) => basename(file))),
    );
    const there = readdirSync(join(root, "models")).filter((name) => /safetensors$/.test(name));
    expect([...named].sort()).toEqual(there.sort());
    const bytes = there.reduce((sum, name) => sum + statSync(join(root, "models", name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(12e6);
  });

  it("have a card, and a note that fits the header of a NIfTI file", () => {
    const cards = readFileSync(join(root, "models/README.md"), "utf8");
    for (const { name, note, files } of modelSets()) {
      expect(Buffer.byteLength(note), name).toBeLessThanOrEqual(79);
      expect(note).toMatch(/not for clinical use/);
      for (const file of Object.values(files)) expect(cards).toContain(basename(file));
    }
  });

  it("are what help and models list name", async () => {
    const { stdout: help } = await succeed("localize", "--help");
    const { stdout: list } = await succeed("models", "list");
    const { stdout: json } = await succeed("models", "list", "--json");
    expect(JSON.parse(json)).toEqual(modelSets());
    for (const set of modelSets()) {
      expect(help.replace(/\s+/g, " ")).toContain(`${set.name}: ${set.purpose}`);
      for (const text of [set.name, set.purpose, set.license, set.note, set.organs.join(", ")]) {
        expect(list).toContain(text);
      }
    }
    expect(list).toMatch(/state: +complete/);
  });
});

describe("a package with another set", () => {
  const folder = mkdtempSync(join(tmpdir(), "medlsam-sets-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const command = copyPackage(join(folder, "package"));
  const modelsFolder = join(folder, "package/models");
  const at = (name: string) => join(modelsFolder, name);
  const run = (...args: string[]) => start(args, "pipe", command).done;
  const organs = ["brain", "eye_left", "eye_right"];
  const scans = Object.fromEntries(
    ["head", "abdomen"].map((name) => [name, join(folder, `${name}.nii.gz`)]),
  ) as Record<"head" | "abdomen", string>;

  function describeFile(path: string) {
    const content = readFileSync(at(path));
    const sha256 = createHash("sha256").update(content).digest("hex");
    return { path, bytes: content.length, sha256 };
  }
  function writeSet(name: string): void {
    const files = { medlam: "medlam.safetensors", sam: "sam.pth", templates: "t.safetensors" };
    const entries = Object.entries(files).map(([key, path]) => [key, describeFile(path)]);
    const said = { purpose: "heads of phantoms", organs, license: "none", citation: "nobody" };
    const set = { name, ...said, note: "a test", files: Object.fromEntries(entries) };
    writeFileSync(at(`${name}.json`), JSON.stringify(set));
  }
  const localize = (scan: string, ...args: string[]) =>
    run("localize", scan, "--models", "head", ...args);

  beforeAll(async () => {
    mkdirSync(modelsFolder);
    const supports: string[] = [];
    for (const seed of [20011, 20012]) {
      const phantom = await makePhantom({ seed, region: "head", spacing: 5 });
      const image = join(folder, `${seed}.nii.gz`);
      await writePhantom(phantom, { image, labels: join(folder, `${seed}_label.nii.gz`) });
      supports.push(image);
    }
    for (const region of ["head", "abdomen"] as const) {
      const { image } = await makePhantom({ seed: 30001, region, spacing: 5 });
      await image.write(scans[region]);
    }
    copyFileSync(models("demo").files.medlam, at("medlam.safetensors"));
    copyFileSync(sam, at("sam.pth"));
    const labels = supports.map((path) => path.replace(".nii.gz", "_label.nii.gz"));
    await succeed(
      ...["template", "build", ...supports, "--labels", ...labels, "--classes", "1,2,3", "-q"],
      ...["--medlam", at("medlam.safetensors"), "--survey", "-o", at("t.safetensors")],
    );
    writeSet("head");
    writeSet("twin");
  });

  it("localizes with it by its name; another set may share its files", async () => {
    const found = await localize(scans.head, "--survey", "-q");
    expect(found).toMatchObject({ code: 0, stderr: "" });
    const { organs: boxes } = JSON.parse(found.stdout) as Localization;
    expect(Object.keys(boxes)).toEqual(organs);
    expect(boxes.brain?.present).toBe(true);
    const twin = await run("localize", scans.head, "--models", "twin", "--survey", "-q");
    expect((JSON.parse(twin.stdout) as Localization).organs).toEqual(boxes);
    const { stdout } = await run("models", "list", "--json");
    expect((JSON.parse(stdout) as ModelSet[]).map(({ name }) => name)).toEqual(["head", "twin"]);
  });

  it("says plainly that a scan shows none of its organs, and makes nothing up", async () => {
    const output = join(folder, "out");
    const args = ["--models", "head", "--survey", "-o", output];
    const { code, stderr } = await run("segment", scans.abdomen, ...args);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "none of the 3 organs is in this scan (head looks for brain, eye_left, eye_right); the masks are empty",
    );
    for (const organ of organs) {
      const mask = await readMask(join(output, `abdomen/${organ}.nii.gz`));
      expect(count(mask, 1)).toBe(0);
    }
    const boxes = await localize(scans.abdomen, "--survey", "-o", join(folder, "boxes.json"));
    expect(boxes.stderr).toContain("none of the 3 organs is in this scan (head looks for");
  });

  it.each([
    ["is missing", () => rmSync(at("t.safetensors"))],
    ["is damaged: 1000 bytes instead of", () => truncateSync(at("t.safetensors"), 1000)],
    ["is damaged: its content is not what was shipped", () => flipByte(at("t.safetensors"))],
  ])("a file of the set %s: its name, and how to get it back", async (told, damage) => {
    copyFileSync(at("t.safetensors"), join(folder, "kept"));
    damage();
    try {
      const wrong = [
        `The model set "head": ${at("t.safetensors")} ${told}`,
        "Install medlsam again",
      ];
      expectRefusal(await localize(scans.head, "-q"), 3, ...wrong);
      const { code, stdout } = await run("models", "list");
      expect({ code, told: stdout.includes(wrong[0] as string) }).toEqual({ code: 0, told: true });
    } finally {
      copyFileSync(join(folder, "kept"), at("t.safetensors"));
    }
  });

  it("a damaged description is told of where the set is used, and leaves help alone", async () => {
    renameSync(at("head.json"), at("kept"));
    try {
      writeFileSync(at("head.json"), "{");
      expectRefusal(await localize(scans.head), 3, 'The model set "head"', "head.json is damaged");
      expect((await run("localize", "--help")).stdout).toContain("head: damaged");
    } finally {
      renameSync(at("kept"), at("head.json"));
    }
  });

  it("refuses a set that is not there, and templates that a set does not have", async () => {
    const unknown = await run("localize", scans.head, "--models", "demo");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/Allowed choices are head, twin/);
    expectRefusal(
      await localize(scans.head, "--strategy", "spl"),
      ...[2, 'The model set "head" has no templates of organs in parts'],
    );
    const files = ["-t", at("t.safetensors"), "--medlam", at("medlam.safetensors")];
    const chosen = await run("localize", scans.head, ...files, "--strategy", "wpl");
    expectRefusal(chosen, 2, "--strategy chooses templates of a set");
  });

  it("without any set says that the package came without them", async () => {
    renameSync(modelsFolder, `${modelsFolder}.away`);
    try {
      const outcome = await localize(scans.head);
      expect(outcome.code).toBe(2);
      expect(outcome.stderr).toContain("came without its models: install medlsam again");
    } finally {
      renameSync(`${modelsFolder}.away`, modelsFolder);
    }
  });
});

function flipByte(path: string): void {
  const { size } = statSync(path);
  const last = readFileSync(path).at(-1) as number;
  truncateSync(path, size - 1);
  appendFileSync(path, Buffer.of(last ^ 1));
}
