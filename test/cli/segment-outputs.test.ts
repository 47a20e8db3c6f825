import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { labelNamesFromXml, type Triple, Volume } from "../../lib/index.js";
import { run, scan, succeed } from "../support/command.js";
import {
  count,
  geometryBytes,
  hashes,
  organs,
  promptedSlices,
  prompts,
  readJson,
  readMask,
  sam,
  scanShape,
  writeBoxes,
} from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-outputs-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const boxes = writeBoxes(at("boxes.json"));
const segment = (output: string, ...args: string[]) =>
  succeed("segment", scan, "--sam", sam, "--boxes", boxes, "-q", "-o", at(output), ...args);
const mask = (output: string, organ: string) => readMask(at(output, "q", `${organ}.nii.gz`));

beforeAll(() => segment("all", "--statistics", "--preview", "--report", at("report.json")));

describe("medlsam segment's files", () => {
  it("the label map has the names, the geometry, and the masks where they do not overlap", async () => {
    await segment("ml", "--ml");
    const path = at("ml/q/segmentation.nii.gz");
    expect(readdirSync(at("ml/q")).sort()).toEqual(["boxes.json", "segmentation.nii.gz"]);
    expect(geometryBytes(path)).toEqual(geometryBytes(scan));
    const bytes = gunzipSync(readFileSync(path));
    const xml = bytes.subarray(360, bytes.readFloatLE(108)).toString("utf8");
    expect(labelNamesFromXml(xml)).toEqual(
      new Map([
        [1, "spleen"],
        [3, "heart"],
        [5, "liver"],
      ]),
    );
    const labels = await readMask(path);
    const [liver, spleen] = [await mask("all", "liver"), await mask("all", "spleen")];
    const wrong = { outside: 0, alone: 0, overlap: 0 };
    const won = { liver: 0, spleen: 0 };
    for (const [i, label] of labels.entries()) {
      const [inLiver, inSpleen] = [liver[i] === 1, spleen[i] === 1];
      if (inLiver && inSpleen) {
        if (label === 5) won.liver++;
        else if (label === 1) won.spleen++;
        else wrong.overlap++;
      } else if (inLiver || inSpleen) wrong.alone += +(label !== (inLiver ? 5 : 1));
      else wrong.outside += +(label !== 0);
    }
    expect(wrong).toEqual({ outside: 0, alone: 0, overlap: 0 });
    // Each is the more probable one somewhere.
    expect(Math.min(won.liver, won.spleen)).toBeGreaterThan(0);
  });

  it("the statistics are those of the masks", async () => {
    const statistics = readJson<Record<string, { volume: number; intensity: number }>>(
      at("all/q/statistics.json"),
    );
    const image = await Volume.read(scan);
    const values = await image.values();
    const voxelVolume = image.spacing.reduce((product, mm) => product * mm, 1);
    for (const organ of ["liver", "spleen"]) {
      const inside = values.filter(
        (
          (foreground) => (_, i) =>
            foreground[i] === 1
        )(await mask("all", organ)),
      );
      const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length;
      expect(statistics[organ]?.volume).toBeCloseTo(inside.length * voxelVolume, 3);
      expect(statistics[organ]?.intensity).toBeCloseTo(mean, 6);
    }
    expect(statistics.heart).toEqual({ volume: 0, intensity: 0 });
  });

  it("the preview is a picture", () => {
    const png = readFileSync(at("all/q/preview.png"));
    expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
    expect(png.subarray(-8, -4).toString("latin1")).toBe("IEND");
    expect(readJson<{ files: string[] }>(at("all/q/boxes.json")).files).toEqual([
      ...["heart.nii.gz", "liver.nii.gz", "preview.png", "spleen.nii.gz", "statistics.json"],
    ]);
  });

  it("the preview shows the planes that were chosen", async () => {
    await segment("coronal", "--preview-planes", "coronal");
    const [all, one] = ["all", "coronal"].map((folder) =>
      readFileSync(at(`${folder}/q/preview.png`)),
    );
    const width = (png: Buffer) => png.readUInt32BE(16);
    expect(width(one as Buffer)).toBeLessThan(width(all as Buffer) / 2);
    const wrong = ["--boxes", boxes, "--preview-planes", "frontal", "-o", at("wrong")];
    const { code, stderr } = await run("segment", scan, ...wrong);
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(stderr).toContain("Give some of axial, coronal, sagittal");
  });

  it("the report counts slices once, however many organs and parts they have", () => {
    const report = readJson<{ models: object; cases: object[] }>(at("report.json"));
    expect(report.models).toEqual({ sam: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(report.cases).toMatchObject([
      {
        ...{ name: "q", image: scan, status: "done" },
        counts: { organs: 3, present: 2, patches: 0, encoderRuns: promptedSlices, prompts },
      },
    ]);
  });

  it("small components and all but the largest can be removed", async () => {
    const before = await mask("all", "liver");
    await segment("largest", "--largest-component", "--roi-subset", "liver");
    const largest = await mask("largest", "liver");
    expect(count(largest)).toBeGreaterThan(0);
    expect(count(largest)).toBeLessThan(count(before));
    expect(largest.every((value, i) => value <= (before[i] as number))).toBe(true);
    await segment("min", "--min-voxels", String(count(largest)), "--roi-subset", "liver");
    expect(Buffer.compare(await mask("min", "liver"), largest)).toBe(0);
    await segment("nothing", "--min-voxels", String(count(largest) + 1), "--roi-subset", "liver");
    expect(count(await mask("nothing", "liver"))).toBe(0);
  });
});

describe("a scan stored along other axes", () => {
  it("has the same masks", async () => {
    const image = await Volume.read(scan);
    const [depth, height, width] = scanShape;
    const values = (await image.stored()) as Int16Array;
    // x fastest becomes z fastest: stored voxel (z, y, x) is (x, y, z) of the turned one.
    const turned = values.slice();
    const to = (z: number, y: number, x: number) => (x * height + y) * depth + z;
    const from = (z: number, y: number, x: number) => (z * height + y) * width + x;
    const copy = <Values extends { [i: number]: number }>(
      input: Values,
      output: Values,
      source: typeof to,
      target: typeof to,
    ) => {
      for (let z = 0; z < depth; z++)
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            output[target(z, y, x)] = input[source(z, y, x)] as number;
      return output;
    };
    copy(values, turned, from, to);
    const affine = image.affine.map((_, i) => {
      const column = i % 4;
      return image.affine[i - column + (column === 3 ? 3 : 2 - column)] as number;
    });
    const volume = await Volume.fromArray(turned, { shape: [width, height, depth], affine });
    await volume.write(at("q.nii.gz"));
    const turn = (box: { min: number[]; max: number[] }) => ({
      min: box.min.toReversed() as Triple,
      max: box.max.toReversed() as Triple,
    });
    const turnedBoxes = writeBoxes(
      at("turned.json"),
      {
        liver: { ...organs.liver, box: turn(organs.liver.box) },
        spleen: { ...organs.spleen, parts: organs.spleen.parts.map(turn) },
      },
      [width, height, depth],
    );
    const args = ["segment", at("q.nii.gz"), "--sam", sam, "--boxes", turnedBoxes, "-q"];
    await succeed(...args, "-o", at("turned"));
    for (const organ of ["liver", "spleen"]) {
      const found = await mask("turned", organ);
      const back = copy(found, new Uint8Array(found.length), to, from);
      expect(Buffer.compare(back, await mask("all", organ))).toBe(0);
    }
    expect(Object.keys(hashes(at("turned/q")))).toEqual(["liver.nii.gz", "spleen.nii.gz"]);
  });
});
