import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apply } from "../../lib/geometry/affine.js";
import {
  AbortedError,
  buildTemplates,
  type ExtremePoints,
  type Localization,
  localize,
  MedLam,
  mergeTemplates,
  type Point,
  type Progress,
  steps,
  Templates,
  type Triple,
  UsageError,
  Volume,
} from "../../lib/index.js";
import { Grid } from "../../lib/localization/grid.js";
import { conformance, largestDifference } from "../support/data.js";

const image = conformance("ct/q.nii.gz");
const supports = ["a", "b"].map((name) => ({
  image: conformance(`ct/${name}.nii.gz`),
  labels: conformance(`ct/${name}_label.nii.gz`),
}));
const folder = await mkdtemp(join(tmpdir(), "medlsam-"));
const medlam = await MedLam.load(conformance("medlam/medlam.pth"));
let templates: Templates;

beforeAll(async () => {
  templates = await buildTemplates({ medlam, supports, classes: [1, 2] });
});
afterAll(() => rm(folder, { recursive: true }));

/** A label map like the file's, changed. */
async function changedLabels(path: string, change: (label: number) => number): Promise<Volume> {
  const volume = await Volume.read(path);
  const labels = Uint8Array.from((await volume.stored()) as Uint8Array, change);
  return Volume.fromArray(labels, volume);
}

function withoutTiming({ timing: _, ...rest }: Localization): Omit<Localization, "timing"> {
  return rest;
}

describe("localize", () => {
  it("answers with clipped boxes, scores and physical boxes, the event loop running on", async () => {
    const progress: Progress[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const onProgress = (each: Progress) => progress.push(each);
    const result = await localize(image, { medlam, templates, onProgress });
    clearInterval(timer);
    // The work takes seconds; were it done on this thread, a tick would come through between its phases at most.
    expect(ticks).toBeGreaterThan(10);
    expect(new Set(progress.map(({ phase }) => phase))).toEqual(
      new Set(["read", "grid", "query", "search"]),
    );
    expect(progress.at(-1)).toEqual({ phase: "search", done: 12, total: 12 });
    expect(result.shape).toEqual((await Volume.read(image)).shape);
    expect(Object.keys(result.organs)).toEqual(["1", "2"]);
    for (const organ of Object.values(result.organs)) {
      for (const axis of [0, 1, 2] as const) {
        expect(organ.box.min[axis]).toBeGreaterThanOrEqual(0);
        expect(organ.box.max[axis]).toBeLessThan(result.shape[axis]);
        expect(organ.box.max[axis]).toBeGreaterThanOrEqual(organ.box.min[axis]);
        expect(organ.physicalBox.max[axis]).toBeGreaterThan(organ.physicalBox.min[axis]);
      }
      expect(organ.score).toBeGreaterThan(-1);
      expect(organ.score).toBeLessThanOrEqual(1);
      expect(organ.parts).toEqual([organ.box]);
    }
    expect(result.timing.patches).toBeGreaterThan(10);
    expect(result.timing.patches).toBeLessThanOrEqual(22);
  });

  it("gives the same bytes again, alone and beside another call", async () => {
    const run = (seed: number) =>
      localize(image, { medlam, templates, seed, scales: [0], organs: ["2"] }).then(withoutTiming);
    const alone = await run(7);
    const [first, other] = await Promise.all([run(7), run(8)]);
    expect(first).toEqual(alone);
    expect(Object.keys(other.organs)).toEqual(["2"]);
  });

  it("surveys the whole scan when asked, the same way each time", async () => {
    const run = (survey: boolean) => localize(image, { medlam, templates, survey, scales: [] });
    const [middle, surveyed, again] = [await run(false), await run(true), await run(true)];
    expect(middle).not.toHaveProperty("survey");
    expect(surveyed.survey).toBe(true);
    expect(surveyed.timing.patches).toBeGreaterThan(middle.timing.patches);
    expect(withoutTiming(again)).toEqual(withoutTiming(surveyed));
    expect(surveyed.organs).not.toEqual(middle.organs);
  });

  it("searches near points in one patch on a lattice, and says so", async () => {
    const run = (lattice?: 0 | 8 | 16) => localize(image, { medlam, templates, lattice });
    const [own, none, shared] = [await run(), await run(0), await run(16)];
    expect(withoutTiming(none)).toEqual(withoutTiming(own));
    expect(own).not.toHaveProperty("lattice");
    expect(shared.lattice).toBe(16);
    expect(shared.timing.patches).toBeLessThanOrEqual(own.timing.patches);
    await expect(localize(image, { medlam, templates, lattice: 4 as 8 })).rejects.toThrow(
      "lattice",
    );
  });

  it("surveys a grid once for all templates", async () => {
    const grid = await Grid.make(await Volume.read(image));
    const run = (organ: string) =>
      localize(image, { medlam, templates, grid, survey: true, scales: [], organs: [organ] });
    const [first, second] = [await run("1"), await run("2")];
    grid.close();
    const alone = await localize(image, {
      medlam,
      templates,
      survey: true,
      scales: [],
      organs: ["2"],
    });
    expect(first.timing.patches).toBe(alone.timing.patches);
    expect(second.timing.patches).toBe(10);
    expect(second.organs).toEqual(alone.organs);
  });

  it("is another place with surveyed supports, and their file says so", async () => {
    const [support] = supports as [(typeof supports)[0]];
    const build = (survey: boolean) =>
      buildTemplates({ medlam, supports: [support], classes: [1], survey });
    const [own, surveyed] = [await build(false), await build(true)];
    const path = join(folder, "surveyed.safetensors");
    await surveyed.save(path);
    const opened = await Templates.open(path);
    await rm(path);
    expect([own.survey, opened.survey]).toEqual([undefined, true]);
    expect(opened.positions).toEqual(surveyed.positions);
    expect(largestDifference(opened.positions, own.positions)).toBeGreaterThan(0);
  });

  it("calls an organ absent where the coordinate system places it outside, and below minScore", async () => {
    const unified = await localize(image, { medlam, templates, scales: [] });
    expect(unified.organs["2"]).toMatchObject({ present: false, score: null });
    for (const { present, margin } of Object.values(unified.organs)) {
      expect(margin >= 0).toBe(present);
    }
    const strict = await localize(image, { medlam, templates, scales: [0], minScore: 0.999 });
    expect(Object.values(strict.organs).map(({ present }) => present)).toEqual([false, false]);
  });

  it("asks for the evidence that the templates' file names", async () => {
    const built = await buildTemplates({ medlam, supports, classes: [1], minEvidence: 1.05 });
    const path = join(folder, "evident.safetensors");
    await built.save(path);
    const opened = await Templates.open(path);
    await rm(path);
    expect([templates.minEvidence, opened.minEvidence]).toEqual([undefined, 1.05]);
    await expect(mergeTemplates([templates, opened])).rejects.toThrow(
      "of different kinds (least evidence none and 1.05)",
    );
  });

  it("stops when it is aborted", async () => {
    await expect(
      localize(image, { medlam, templates, signal: AbortSignal.abort() }),
    ).rejects.toThrow(AbortedError);
    const controller = new AbortController();
    const call = localize(image, {
      medlam,
      templates,
      signal: controller.signal,
      onProgress: ({ phase, done }) => {
        if (phase === "search" && done > 0) controller.abort();
      },
    });
    await expect(call).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("refuses templates of another network", async () => {
    const other = await MedLam.load(conformance("medlam/medlam_fp16.pth"));
    await expect(localize(image, { medlam: other, templates })).rejects.toMatchObject({
      code: "TEMPLATE_MISMATCH",
      message: expect.stringContaining(other.fingerprint),
    });
  });

  it("refuses wrong options before it does any work", async () => {
    const refused = (options: object) =>
      expect(localize(image, { medlam, templates, ...options })).rejects;
    await refused({ organs: ["heart"] }).toThrow(/They have: 1, 2/);
    await refused({ scales: [3] }).toThrow(UsageError);
    await refused({ threads: 0 }).toThrow(UsageError);
    await refused({ queryCenters: [[0, 0, 0]] }).toMatchObject({
      code: "BAD_ARGUMENT",
      message: expect.stringMatching(/Query centre 0 .* padded grid/),
    });
    for (const wrong of [[], [[90, 90]], [[90, 90, 90.5]], [[2 ** 32 + 90, 90, 90]]]) {
      await refused({ queryCenters: wrong }).toThrow(UsageError);
    }
  });
});

describe("templates", () => {
  it("an organ missing from a support is left out of that support", async () => {
    const [a, b] = supports as [(typeof supports)[0], (typeof supports)[0]];
    const partial = await buildTemplates({
      medlam,
      supports: [
        a,
        { ...b, labels: await changedLabels(b.labels, (label) => (label === 2 ? 0 : label)) },
      ],
      classes: [1, 2],
    });
    const alone = await buildTemplates({ medlam, supports: [a], classes: [2] });
    expect(partial.organs).toMatchObject([
      { name: "1", supports: 2, agreement: expect.any(Number) },
      { name: "2", supports: 1, agreement: null },
    ]);
    expect(largestDifference(partial.positions.subarray(18), alone.positions)).toBe(0);
    const result = await localize(image, {
      medlam,
      templates: partial,
      scales: [0],
      organs: ["2"],
    });
    expect(result.organs["2"]?.score).toBeLessThanOrEqual(1);
  });

  it("extreme points in millimetres do what the label map they come from does", async () => {
    const [a] = supports as [(typeof supports)[0]];
    const [volume, labels] = [await Volume.read(a.image), await Volume.read(a.labels)];
    const labelGrid = await steps.labelGrid(labels);
    const grid = await Grid.make(volume);
    const flat = await steps.annotationPoints(labelGrid, 1, "whole");
    const points = Array.from({ length: 6 }, (_, i) => {
      const [z, y, x] = grid.toStored(Array.from(flat.subarray(3 * i, 3 * i + 3)) as Triple);
      const [right, anterior, superior] = apply(volume.affine, [x, y, z]);
      return [-right, -anterior, superior] as Point;
    });
    const extremePoints: ExtremePoints[] = [{ name: "organ", parts: [points.reverse()] }];
    const pointed = [{ image: volume, extremePoints }];
    const fromPoints = await buildTemplates({ medlam, supports: pointed });
    const fromLabels = await buildTemplates({ medlam, supports: [a], classes: [1] });
    expect(fromPoints.organs).toMatchObject([{ name: "organ", label: 1, parts: 1, supports: 1 }]);
    expect(largestDifference(fromPoints.positions, fromLabels.positions)).toBe(0);
  });

  it("refuses what does not fit", async () => {
    const [a, b] = supports as [(typeof supports)[0], (typeof supports)[0]];
    const build = (labels: string | Volume, classes?: number[]) =>
      buildTemplates({
        medlam,
        supports: [{ image: a.image, labels }],
        ...(classes && { classes }),
      });
    await expect(build(a.labels, [1, 77])).rejects.toThrow(/Label 77 .* is in no support/);
    await expect(build(b.labels)).rejects.toMatchObject({ code: "GEOMETRY_MISMATCH" });
    const { affine } = await Volume.read(a.labels);
    const small = await Volume.fromArray(new Uint8Array(27).fill(1), { shape: [3, 3, 3], affine });
    await expect(build(small)).rejects.toThrow(/has shape \[3,3,3\]/);
    const empty = await changedLabels(a.labels, () => 0);
    await expect(build(empty)).rejects.toThrow(/no organ/);
    await expect(build(a.image)).rejects.toMatchObject({ code: "BAD_LABELS" });
    const outside: ExtremePoints = {
      name: "o",
      parts: [Array.from({ length: 6 }, (): Point => [9999, 0, 0])],
    };
    await expect(
      buildTemplates({ medlam, supports: [{ image: a.image, extremePoints: [outside] }] }),
    ).rejects.toThrow(/LPS or RAS/);
  });

  it("once saved, they are called by their file", async () => {
    const [support] = supports as [(typeof supports)[0]];
    const made = await buildTemplates({ medlam, supports: [support], classes: [1] });
    const other = await MedLam.load(conformance("medlam/medlam_fp16.pth"));
    const run = () => localize(image, { medlam: other, templates: made });
    await expect(run()).rejects.toThrow(/^These templates: made with another network/);
    const path = join(folder, "saved.safetensors");
    await made.save(path);
    expect(made.path).toBe(path);
    await expect(run()).rejects.toThrow(`${path}: made with another network`);
    made.close();
    await expect(made.save(path)).rejects.toThrow(`The templates ${path} is closed`);
    await rm(path);
  });

  it("a file is whole or not there, and a damaged one is refused", async () => {
    const path = join(folder, "t.safetensors");
    await templates.save(path);
    await templates.save(path);
    expect(await readdir(folder)).toEqual(["t.safetensors"]);
    const opened = await Templates.open(path);
    expect(opened.organs).toEqual(templates.organs);
    await expect(templates.save(join(folder, "missing", "t.safetensors"))).rejects.toMatchObject({
      code: "WRITE_FAILED",
      message: expect.stringContaining("missing"),
    });
    await expect(Templates.open(conformance("medlam/medlam.pth"))).rejects.toMatchObject({
      code: "BAD_TEMPLATES",
    });
    await expect(Templates.open(conformance("ct/grid.safetensors"))).rejects.toMatchObject({
      code: "BAD_TEMPLATES",
    });
    const bytes = await readFile(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString("utf8", 8, start));
    bytes.writeFloatLE(Number.NaN, start + header.positions.data_offsets[0]);
    const damaged = join(folder, "damaged.safetensors");
    await writeFile(damaged, bytes);
    await expect(Templates.open(damaged)).rejects.toMatchObject({
      code: "BAD_TEMPLATES",
      message: expect.stringContaining("position"),
    });
    await expect(Templates.open(join(folder, "none"))).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
  });
});
