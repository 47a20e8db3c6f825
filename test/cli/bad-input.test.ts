import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { data, expectRefusal, medlam, run, scan, succeed } from "../support/command.js";
import { type Fields, nifti } from "../support/nifti.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-bad-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const templates = await sharedTemplates("small");
const models = ["-t", templates, "--medlam", medlam];
const localize = (...args: string[]) => run("localize", ...args, ...models, "-q");
const build = (...args: string[]) =>
  run(
    "template",
    "build",
    ...args,
    "--medlam",
    medlam,
    "-q",
    "-o",
    join(folder, "none.safetensors"),
  );

const compressed = gzipSync(nifti());
const bomb = gzipSync(nifti({ dim: [3, 4, 4, 4] }).fill(0, 352));
const row = (x: number, y: number, z: number) => [x, y, z, 0];
const good = [row(6, 0, 0), row(0, 6, 0), row(0, 0, 6)];

function promising(dim: number[]): Buffer {
  const header = nifti({ dim: [3, 4, 4, 4] });
  for (const [i, length] of dim.entries()) header.writeInt16LE(length, 40 + 2 * i);
  return gzipSync(header);
}

const badScans: [name: string, content: string | Buffer | Fields, told: RegExp][] = [
  ["empty.nii.gz", "", /empty/],
  ["text.nii.gz", "x".repeat(1000), /looks like a text file/],
  ["cut.nii.gz", compressed.subarray(0, compressed.length / 2), /cut off/],
  ["cut.nii", nifti().subarray(0, 5000), /cut off/],
  ["cut-header.nii", nifti().subarray(0, 100), /cut off/],
  ["damaged.nii.gz", Buffer.from(compressed).fill(0x55, 100, 200), /damaged|cut off/],
  [
    "trailing.nii.gz",
    Buffer.concat([bomb.subarray(0, 20), Buffer.from("not gzip")]),
    /damaged|cut off/,
  ],
  ["bomb.nii.gz", promising([3, 2000, 2000, 2000]), /promises/],
  ["zero.nii", { spacing: [6, 0, 6] }, /pixdim\[2\]/],
  ["negative.nii", { spacing: [6, 6, -6] }, /pixdim\[3\]/],
  ["nan.nii", { spacing: [Number.NaN, 6, 6] }, /pixdim\[1\]/],
  ["singular.nii", { sform: [row(6, 0, 0), row(6, 0, 0), row(0, 0, 6)] }, /affine .* singular/],
  [
    "nan-affine.nii",
    { sform: [row(6, 0, 0), row(0, Number.NaN, 0), row(0, 0, 6)] },
    /affine .* not finite/,
  ],
  ["flat.nii", { dim: [2, 40, 40] }, /2D/],
  ["four.nii", { dim: [4, 10, 10, 10, 3] }, /4D with 3 volumes/],
  ["rgb.nii", { dim: [3, 10, 10, 10], datatype: 128 }, /RGB/],
  ["constant.nii", { value: () => -1000 }, /same value/],
  ["no-hu.nii", { value: (x, y, z) => x + y + z }, /not Hounsfield units/],
  ["air.nii", { value: (x) => -1000 - (x % 7) }, /air|same value/],
];

describe("bad scans", () => {
  it.each(badScans)("%s is refused", async (name, content, told) => {
    const isFields = typeof content === "object" && !Buffer.isBuffer(content);
    const path = file(
      name,
      isFields
        ? nifti({ sform: isFields && content.spacing ? undefined : good, ...content })
        : content,
    );
    expectRefusal(await localize(path), 3, told, path);
  });

  it("a good one of the same make is localized", async () => {
    const { code, stderr } = await localize(file("good.nii", nifti()), "--scales", "none");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("one with NaN is read with --nan, one without orientation with a warning", async () => {
    const value = (x: number, y: number, z: number) => {
      if (x < 2) return Number.NaN;
      return Math.hypot(x - 20, y - 20, z - 20) < 15 ? 500 + x + y + z : -1000;
    };
    const bordered = file("bordered.nii", nifti({ datatype: 16, value }));
    expectRefusal(await localize(bordered), 3, "bordered.nii", "NaN", "--nan -1000");
    const output = join(folder, "bordered.json");
    const { stderr } = await succeed(
      ...["localize", bordered, ...models, "--nan", "-1000", "-o", output],
    );
    expect(stderr.split("gives no orientation")).toHaveLength(2);
    expect(JSON.parse(readFileSync(output, "utf8")).note).toContain("gives no orientation");
  });

  it("a missing one, a folder without any, and all of several", async () => {
    const missing = join(folder, "missing.nii.gz");
    expectRefusal(await localize(missing), 3, missing, /no such file|does not exist/i);
    const none = join(folder, "none");
    mkdirSync(none);
    expectRefusal(await localize(none), 3, none, "no scan in this folder (.nii.gz, .nii,");
    const { code, stderr } = await localize(missing, join(folder, "absent.nii"));
    expect(code).toBe(4);
    expect(stderr.trim().split("\n")).toHaveLength(2);
  });
});

describe("bad supports", () => {
  const images = [data("ct/a.nii.gz")];
  const image = file("image.nii", nifti({ sform: good }));
  const labels = (fields: Fields) => ({ datatype: 2, sform: good, value: () => 0, ...fields });
  const buildWith = (name: string, fields: Fields, ...more: string[]) =>
    build(image, "--labels", file(name, nifti(labels(fields))), ...more);

  it("label maps of another shape or geometry, of no labels, and images", async () => {
    const cube: Fields["value"] = (x, y, z) =>
      Math.max(x, y, z) < 30 && Math.min(x, y, z) > 10 ? 1 : 0;
    expectRefusal(
      await buildWith("shape.nii", { dim: [3, 40, 40, 39], value: cube }),
      3,
      "shape.nii",
      "shape",
    );
    const moved = [...good.slice(0, 2), [0, 0, 6, 30]];
    expectRefusal(
      await buildWith("moved.nii", { sform: moved, value: cube }),
      3,
      "moved.nii",
      "affine",
    );
    expectRefusal(await buildWith("none.nii", {}), 3, "no organ");
    expectRefusal(
      await buildWith("cube.nii", { value: cube }, "--classes", "1,9"),
      3,
      "Label 9",
      "no support",
    );
    expectRefusal(await build(image, "--labels", image), 3, "image.nii", "label");
  });

  it("an organ one voxel thick is localized by its six points or said to be lost", async () => {
    const sheet: Fields["value"] = (x, y, z) =>
      z === 20 && x > 10 && x < 30 && y > 10 && y < 30 ? 1 : 0;
    const output = join(folder, "sheet.safetensors");
    const path = file("sheet.nii", nifti(labels({ value: sheet })));
    const args = [image, "--labels", path, "--medlam", medlam, "-o", output, "--strategy", "spl"];
    await succeed("template", "build", ...args);
    const shown = JSON.parse((await succeed("template", "show", "--json", output)).stdout);
    expect(shown.organs).toMatchObject([{ name: "1", parts: 1 }]);
    const thin: Fields["value"] = (x, y, z) => (x === 20 && y > 10 && z > 10 ? 1 : 0);
    const fine = { dim: [3, 40, 40, 40], sform: [row(0.5, 0, 0), row(0, 6, 0), row(0, 0, 6)] };
    const fineImage = file("fine.nii", nifti(fine));
    const thinLabels = file("thin.nii", nifti(labels({ ...fine, value: thin })));
    const lost = await build(fineImage, "--labels", thinLabels, "--classes", "1");
    expectRefusal(lost, 3, "Label 1", "no support");
  });

  it("annotation files that are wrong, named with the place", async () => {
    const points = file(
      "points.json",
      JSON.stringify({ version: 1, organs: { a: { points: [] } } }),
    );
    expectRefusal(
      await build(...images, "--extreme-points", points),
      3,
      "points.json",
      "organs.a.points",
    );
    const far = Array.from({ length: 6 }, (_, i) => [9000 + i, 9000, 9000]);
    const outside = file(
      "far.json",
      JSON.stringify({ version: 1, organs: { a: { points: far } } }),
    );
    expectRefusal(await build(...images, "--extreme-points", outside), 3, "9000", "outside");
    const names = file("names.txt", "liver 1");
    const label = ["--labels", data("ct/a_label.nii.gz")];
    expectRefusal(await build(...images, ...label, "--names", names), 3, "names.txt", "line 1");
    const centers = file("centers.json", "[[1, 2]]");
    expectRefusal(await localize(scan, "--query-centers", centers), 3, "centers.json", /at \[0\]/);
  });

  it("leaves no template file behind", () => {
    expect(existsSync(join(folder, "none.safetensors"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("tmp"))).toEqual([]);
  });
});

describe("models that do not fit", () => {
  it("templates of another network", async () => {
    const other = data("medlam/medlam_fp16.pth");
    const outcome = await run("localize", scan, "-q", "-t", templates, "--medlam", other);
    expectRefusal(outcome, 3, templates, "another network");
    const several = await run(
      "localize",
      scan,
      data("ct/a.nii.gz"),
      "-q",
      "-t",
      templates,
      "--medlam",
      other,
    );
    expectRefusal(several, 3, "another network");
  });

  it("files of another kind", async () => {
    expectRefusal(
      await run("localize", scan, "-q", "-t", templates, "--medlam", templates),
      3,
      templates,
    );
    expectRefusal(await run("localize", scan, "-q", "-t", scan, "--medlam", medlam), 3, scan);
    expectRefusal(await run("models", "inspect", scan), 3, scan);
    expectRefusal(await run("template", "show", join(folder, "missing")), 3, "missing");
  });
});
