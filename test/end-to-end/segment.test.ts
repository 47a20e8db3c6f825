import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Localization, labelNamesFromXml, Volume } from "../../lib/index.js";
import { data, medlam, scan, succeed } from "./command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-segment-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...path: string[]) => join(folder, ...path);
const sam = data("sam/sam_tiny.pth");

const read = async (path: string) => {
  const volume = await Volume.read(path);
  return { volume, values: (await volume.stored()) as Uint8Array };
};
const json = (...path: string[]) => JSON.parse(readFileSync(at(...path), "utf8"));
const isMask = (name: string) => name.endsWith(".nii.gz");
const sum = (values: ArrayLike<number>) =>
  Array.prototype.reduce.call(values, (a, b) => (a as number) + (b as number), 0) as number;

// The network is random: what it finds scores little, and with whole patches nothing lies in the scan.
const found = ["--min-score", "-1"];
const templates = (strategy: string) => at(`${strategy}.safetensors`);
const localizing = (strategy: string) => ["-t", templates(strategy), "--medlam", medlam, ...found];

beforeAll(async () => {
  const from = ["--images", data("ct/a.nii.gz"), "--labels", data("ct/a_label.nii.gz")];
  const build = ["template", "build", ...from, "--classes", "1,2,3", "--medlam", medlam];
  for (const strategy of ["wpl", "spl"])
    await succeed(...build, "--strategy", strategy, "-o", templates(strategy));
  // Whole patches: the boxes as if the organs were there.
  await succeed("localize", scan, ...localizing("wpl"), "-o", at("boxes.json"));
  const { organs, ...rest } = json("boxes.json") as Localization;
  for (const organ of Object.values(organs)) organ.present = true;
  writeFileSync(at("boxes.json"), JSON.stringify({ ...rest, organs }));
}, 240_000);

describe.each([
  ["wpl", ["--boxes", at("boxes.json")]],
  ["spl", localizing("spl")],
])("localized (%s) and segmented", (strategy, where) => {
  const out = (name: string) => at(`${strategy}-${name}`);
  const segment = (name: string, ...more: string[]) =>
    succeed("segment", scan, ...where, "--sam", sam, "-o", out(name), ...more);

  beforeAll(async () => {
    await segment("masks", "--statistics", "--preview", "--report", out("report.json"));
  }, 120_000);

  it("writes a mask per organ on the scan's own grid, and what else was asked for", async () => {
    const files = ["1.nii.gz", "2.nii.gz", "3.nii.gz", "preview.png", "statistics.json"];
    expect(readdirSync(out("masks"))).toEqual(["q"]);
    expect(readdirSync(join(out("masks"), "q")).sort()).toEqual([...files, "boxes.json"].sort());
    const image = await Volume.read(scan);
    const statistics = json(`${strategy}-masks`, "q", "statistics.json");
    const hu = await image.values();
    const boxes = json(`${strategy}-masks`, "q", "boxes.json") as Localization & {
      files: string[];
    };
    expect(boxes.files).toEqual(files);
    for (const name of ["1", "2", "3"]) {
      const { volume, values } = await read(join(out("masks"), "q", `${name}.nii.gz`));
      expect([volume.affine, volume.shape, volume.dtype]).toEqual([
        image.affine,
        image.shape,
        "U8",
      ]);
      expect(values.every((value) => value === 0 || value === 1)).toBe(true);
      const voxels = sum(values);
      const organ = boxes.organs[name];
      if (!organ?.present) expect(voxels).toBe(0);
      const [z, y, x] = image.spacing;
      expect(statistics[name].volume).toBeCloseTo(voxels * z * y * x, 3);
      const mean =
        values.reduce((total, value, i) => total + value * (hu[i] as number), 0) / voxels;
      expect(statistics[name].intensity).toBeCloseTo(voxels > 0 ? mean : 0, 3);
      // Slices of an organ are those of its boxes, both bounds included.
      const slice = volume.shape[1] * volume.shape[2];
      const used = values.indexOf(1) / slice;
      if (voxels > 0 && organ) expect(Math.floor(used)).toBeGreaterThanOrEqual(organ.box.min[0]);
    }
    const png = readFileSync(join(out("masks"), "q", "preview.png"));
    expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  });

  it("encodes every slice once, whatever the number of organs and parts", () => {
    const report = json(`${strategy}-report.json`);
    const { organs } = json(`${strategy}-masks`, "q", "boxes.json") as Localization;
    const slices = new Set<number>();
    let prompts = 0;
    for (const { present, parts } of Object.values(organs)) {
      if (!present) continue;
      const own = new Set<number>();
      for (const { min, max } of parts) for (let z = min[0]; z <= max[0]; z++) own.add(z);
      prompts += own.size;
      for (const z of own) slices.add(z);
    }
    expect(report.cases[0].counts).toMatchObject({ encoderRuns: slices.size, prompts });
    expect(slices.size).toBeGreaterThan(0);
    expect(prompts).toBeGreaterThan(slices.size);
  });

  it("gives the same bytes again, from its own boxes and on one thread", async () => {
    const boxes = join(out("masks"), "q", "boxes.json");
    const from = ["--boxes", boxes, "--sam", sam, "-o", out("again"), "--threads", "1"];
    await succeed("segment", scan, ...from);
    const masks = readdirSync(join(out("masks"), "q")).filter(isMask);
    for (const name of masks) {
      const [first, again] = ["masks", "again"].map((run) =>
        readFileSync(join(out(run), "q", name)),
      );
      expect(again?.equals(first as Buffer), name).toBe(true);
    }
  });

  it("writes one label map with names that agrees with the masks", async () => {
    await segment("map", "--ml");
    expect(readdirSync(join(out("map"), "q")).sort()).toEqual([
      "boxes.json",
      "segmentation.nii.gz",
    ]);
    const { volume, values } = await read(join(out("map"), "q", "segmentation.nii.gz"));
    expect([...labelNamesFromXml(volume.labelXml ?? "").keys()]).toEqual([1, 2, 3]);
    const masks = await Promise.all(
      ["1", "2", "3"].map(
        async (name) => (await read(join(out("masks"), "q", `${name}.nii.gz`))).values,
      ),
    );
    const wrong = values.findIndex((label, i) => {
      const here = masks.flatMap((mask, organ) => (mask[i] === 1 ? [organ + 1] : []));
      return here.length === 0 ? label !== 0 : !here.includes(label);
    });
    expect(wrong).toBe(-1);
  });

  it("cleans masks and leaves organs out where that is asked", async () => {
    await segment("clean", "--largest-component", "--roi-subset", "1,3");
    expect(readdirSync(join(out("clean"), "q")).filter(isMask)).toEqual(["1.nii.gz", "3.nii.gz"]);
    const [whole, largest] = await Promise.all(
      ["masks", "clean"].map(async (run) => (await read(join(out(run), "q", "1.nii.gz"))).values),
    );
    expect(sum(largest ?? [])).toBeLessThan(sum(whole ?? []));
    expect(largest?.every((value, i) => value <= (whole?.[i] as number))).toBe(true);
  });
});

describe("no organ in the scan", () => {
  it("is a result: empty masks, exit 0, said plainly", async () => {
    const args = [...localizing("wpl"), "--sam", sam, "-o", at("none")];
    const { stderr } = await succeed("segment", scan, ...args);
    expect(stderr).toContain("none of the 3 organs is in this scan; the masks are empty");
    const masks = readdirSync(at("none", "q")).filter(isMask);
    expect(masks).toHaveLength(3);
    for (const name of masks) expect(sum((await read(at("none", "q", name))).values)).toBe(0);
  });
});

describe("orientation", () => {
  it("a scan stored in another axis order gets the same masks", async () => {
    const image = await Volume.read(scan);
    const hu = (await image.stored()) as Int16Array;
    const [nz, ny, nx] = image.shape;
    // Stored (x, z, y) instead of (z, y, x): the file's axes are y, z, x.
    const turn = <Values extends Int16Array | Uint8Array>(values: Values, back: Values): Values => {
      for (let i = 0, z = 0; z < nz; z++)
        for (let y = 0; y < ny; y++)
          for (let x = 0; x < nx; x++, i++) back[(x * nz + z) * ny + y] = values[i] as number;
      return back;
    };
    const [column0, column1, column2] = [1, 2, 0].map((c) =>
      [0, 1, 2].map((row) => image.affine[4 * row + c] as number),
    );
    const affine = [0, 1, 2].flatMap((row) => [
      ...[column0, column1, column2].map((column) => column?.[row] as number),
      image.affine[4 * row + 3] as number,
    ]);
    const turned = await Volume.fromArray(turn(hu, new Int16Array(hu.length)), {
      shape: [nx, nz, ny],
      affine: [...affine, 0, 0, 0, 1],
    });
    await turned.write(at("turned.nii.gz"));
    const args = [...localizing("spl"), "--sam", sam, "-o", at("turned")];
    await succeed("segment", at("turned.nii.gz"), ...args);
    for (const name of ["1", "3"]) {
      const wanted = await read(at("spl-masks", "q", `${name}.nii.gz`));
      const { values } = await read(at("turned", "turned", `${name}.nii.gz`));
      const turnedMask = turn(wanted.values, new Uint8Array(values.length));
      expect(Buffer.compare(values, turnedMask)).toBe(0);
    }
  });
});
