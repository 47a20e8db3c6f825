import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as medlsam from "../../lib/index.js";
import {
  annotated,
  box,
  failure,
  makeObjects,
  organs,
  paths,
  smallVolume,
} from "../support/api.js";
import { scan } from "../support/command.js";
import { conformance } from "../support/data.js";
import { sharedTemplates } from "../support/shared-templates.js";

const { Checkpoint, Grid, MedLam, Sam, steps, Templates, UsageError, Volume } = medlsam;
const { volume, checkpoint, medlam, sam, segmentation } = await makeObjects();
const organ = segmentation.organs.liver;
const templates = await Templates.open(await sharedTemplates("small"));
const summary = medlsam.summarizeEvaluations([]);
const folder = mkdtempSync(join(tmpdir(), "medlsam-arguments-"));
const file = join(folder, "file.nii");
afterAll(() => rmSync(folder, { recursive: true }));

const signal = AbortSignal.abort();
const shaped = (data: object) => ({ shape: [2, 2, 2], data });
const scales = (edge: number) => [new Float32Array(edge ** 3), null, null];
const picture = new Float32Array(sam.imageSize ** 2);
const embedding = new Float32Array(sam.channels * sam.grid ** 2);
const patch = new Float32Array(medlam.patch ** 3);

const pipeline = await medlsam.Pipeline.load({ medlam, templates });
const tiny = await smallVolume();
const about = { sex: "male", region: "head" };
const phantom = { image: tiny, labels: tiny, names: new Map([[1, "liver"]]), about };
const found = await medlsam.findCases([scan]);
const nothing = { name: "q", prediction: "", truth: "", organs: {} };
const missing = ["none.nii"];
const config = {
  ...{ supportImages: missing, supportLabels: missing, queryImages: missing },
  ...{ queryLabels: missing, classes: [1], scales: [0], medlam: paths.medlam, strategy: "wpl" },
};

const phantomSeries = { series: folder, segmentation: file, structures: file };

/** The API's functions that need arguments: the name, where it is, and arguments that are right. */
const calls: [name: string, owner: object, ...right: unknown[]][] = [
  ["Checkpoint.open", Checkpoint, paths.medlam],
  ["Checkpoint.tensor", checkpoint, "fc3.weight"],
  ["Checkpoint.write", checkpoint, file],
  ["Volume.read", Volume, scan],
  ["Volume.fromArray", Volume, new Int16Array(8), { shape: [2, 2, 2], affine: volume.affine }],
  ["Volume.write", volume, file],
  ["Volume.writeLike", volume, file, new Int16Array(27)],
  ["MedLam.load", MedLam, paths.medlam],
  ["MedLam.run", medlam, patch, -1],
  ["Sam.load", Sam, paths.sam],
  ["Sam.encode", sam, picture],
  ["Sam.decode", sam, embedding, [{ box: [0, 0, 9, 9] }]],
  ["Templates.open", Templates, medlsam.models("demo").files.templates],
  ["Templates.save", templates, file],
  ["Grid.make", Grid, volume],
  ["buildTemplates", medlsam, { medlam, supports: [annotated], signal }],
  ["addToTemplates", medlsam, templates, { medlam, supports: [annotated], signal }],
  ["mergeTemplates", medlsam, [templates, templates]],
  ["localize", medlsam, volume, { medlam, templates, signal }],
  ["labelBoxes", medlsam, annotated.labels],
  ["segment", medlsam, volume, { segmenter: sam, organs, signal }],
  ["SegmentedOrgan.write", organ as object, file],
  ["Segmentation.writeLabelMap", segmentation, file],
  ["Segmentation.writePreview", segmentation, file],
  ["Segmentation.writeSeg", segmentation, file],
  ["Segmentation.writeRtStruct", segmentation, file],
  ["evaluate", medlsam, { prediction: annotated.labels, truth: annotated.labels, signal }],
  ["makePhantom", medlsam, { seed: 1, signal }],
  ["checkModelFiles", medlsam, "demo", ["medlam"]],
  ["Pipeline.load", medlsam.Pipeline, { models: "demo", signal }],
  ["Pipeline.run", pipeline, scan],
  ["Pipeline.runAll", pipeline, [scan]],
  ["Pipeline.open", pipeline, scan],
  ["listSeries", medlsam, conformance("dicom/folders/two-series")],
  ["runCases", medlsam, [{ name: "q" }], { prepare() {}, work() {} }],
  ["runDemo", medlsam, { folder, signal }],
  ["PublishedRun.prepare", medlsam.PublishedRun, "test.txt", config],
  ["writePhantom", medlsam, phantom, { image: file, labels: file }],
  ["writePhantomSeries", medlsam, phantom, phantomSeries, { seed: 1, signal }],
  ["trainMedLam", medlsam, { folder, scans: [scan], signal }],
  ["trainSam", medlsam, { folder, scans: [annotated], signal }],
  ["steps.toLas", steps, volume],
  ["steps.resampleSpline", steps, shaped(new Float64Array(8)), [2, 2, 2]],
  ["steps.resampleLabels", steps, shaped(new Uint16Array(8)), [2, 2, 2]],
  ["steps.mapHu", steps, new Float64Array(2)],
  ["steps.imageGrid", steps, volume],
  ["steps.labelGrid", steps, volume],
  ["steps.annotationPoints", steps, shaped(new Uint16Array(8)), 1, 0],
  ["steps.similarityMap", steps, scales(4), scales(2), 1, 16],
  ["steps.windowSlices", steps, volume],
  ["steps.resizeSlice", steps, new Uint8Array(4), [2, 2], 4],
  ["steps.decodeMask", steps, new Float32Array(16), 16, [4, 4]],
];

/** The same, of functions without options, or where another argument comes before them. */
const plain: typeof calls = [
  ["SegmentedOrgan.writePreview", organ as object, file, [box]],
  ["compareBoxes", medlsam, box, box, [1, 1, 1]],
  ["organSpreads", medlsam, []],
  ["summarizeEvaluations", medlsam, []],
  ["casesCsv", medlsam, []],
  ["evaluationCsv", medlsam, summary],
  ["evaluationMarkdown", medlsam, summary],
  ["Sam.onSlices", sam, [3, 4]],
  ["labelNamesFromXml", medlsam, "<Label>"],
  ["labelTableXml", medlsam, new Map([[1, "liver"]])],
  ["readLabelNames", medlsam, "none.json"],
  ["readExtremePoints", medlsam, "none.json"],
  ["readOrganCodes", medlsam, "none.json"],
  ["readBoxes", medlsam, "none.json", volume],
  ["readPoints", medlsam, "none.json", volume],
  ["mergePrompts", medlsam, organs, organs],
  ["roiMarkups", medlsam, { organs }, volume],
  ["casesOf", medlsam, [scan]],
  ["casesOfSeries", medlsam, [scan]],
  ["listImages", medlsam, [scan]],
  ["findCases", medlsam, [scan]],
  ["matchCases", medlsam, found, found],
  ["peerFromEnvironment", medlsam, {}],
  ["readPublishedConfig", medlsam, "none.txt"],
  ["phantomFiles", medlsam, folder, 1],
  ["phantomSeriesFiles", medlsam, folder, 1],
  ["demoTable", medlsam, { evaluation: nothing }],
  ["setThreads", medlsam, 2],
  ["models", medlsam, "demo"],
];

/** Functions that take nothing but options, which may be left out. */
const lenient: typeof calls = [
  ["info", medlsam],
  ["Volume.stored", volume],
  ["Volume.values", volume],
  ["SegmentedOrgan.mask", organ as object],
  ["SegmentedOrgan.toVolume", organ as object],
  ["Segmentation.labelMap", segmentation],
];

function call(name: string, owner: object, args: readonly unknown[]): unknown {
  const method = name.split(".").at(-1) as string;
  return (owner as Record<string, (...all: unknown[]) => unknown>)[method]?.(...args);
}

const wrong: readonly unknown[] = [
  ...[undefined, null, 7.5, () => {}, new Date(0), Symbol("other")],
  { other: 1 },
];

describe("every function of the API", () => {
  it("is among those that are tested here", () => {
    const tested = [...calls, ...plain, ...lenient].map(([name]) => name);
    const others = ["modelSets", "exitNow", "phantomNames", "Masks"];
    const exported = Object.entries(medlsam).flatMap(([name, value]) => {
      const isError = typeof value === "function" && value.prototype instanceof Error;
      return typeof value !== "function" || isError ? [] : [name];
    });
    for (const name of exported.filter((each) => !others.includes(each))) {
      expect(
        tested.some((each) => each === name || each.startsWith(`${name}.`)),
        name,
      ).toBe(true);
    }
    for (const name of Object.keys(steps)) expect(tested).toContain(`steps.${name}`);
  });

  it.each([...calls, ...plain])("%s refuses wrong arguments", async (name, owner, ...right) => {
    // With options that are left out, the call fails otherwise or succeeds.
    expect(await failure(() => call(name, owner, right))).not.toBeInstanceOf(TypeError);
    for (const place of right.keys()) {
      const tried = [right.slice(0, place), ...wrong.map((value) => right.with(place, value))];
      for (const args of tried) {
        const error = await failure(() => call(name, owner, args));
        expect(error, `${String(args[place])} as argument ${place}`).toBeInstanceOf(UsageError);
        expect(error).toMatchObject({ code: "BAD_ARGUMENT" });
        expect(error?.message).toMatch(/^[A-Za-z]+(\.[A-Za-z]+)?: \w/);
      }
    }
  });

  it.each([...calls, ...lenient])("%s refuses wrong options", async (name, owner, ...right) => {
    const last = right.at(-1) as object | undefined;
    const inOptions = last !== undefined && ("signal" in Object(last) || "folder" in Object(last));
    const before = inOptions ? right.slice(0, -1) : right;
    const given = inOptions ? last : {};
    for (const other of [null, { threads: 0 }, { threads: "4" }, { signal: {} }]) {
      const options = other && { ...given, ...other };
      const error = await failure(() => call(name, owner, [...before, options]));
      expect(error, JSON.stringify(other)).toMatchObject({ code: "BAD_ARGUMENT" });
    }
  });
});

describe("messages", () => {
  const cases: [string, unknown[], RegExp][] = [
    ["localize", [scan], /^localize: options must be an object of options, not undefined\.$/],
    [
      "localize",
      [scan, { templates }],
      /^localize: options\.medlam must be a MedLam \(MedLam\.load gives one\), not undefined\.$/,
    ],
    ["segment", [scan, { organs }], /^segment: options\.segmenter must be a Sam .*, not undefined/],
    [
      "segment",
      [scan, { segmenter: sam, organs: { liver: { box: 3 } } }],
      /^segment: options\.organs\.liver\.box must be a box, \{ min, max \}, not 3\.$/,
    ],
    [
      "buildTemplates",
      [{ medlam, supports: [{ image: scan }] }],
      /^buildTemplates: options\.supports\[0\] must be \{ image, labels \}/,
    ],
    ["makePhantom", [{ seed: -1 }], /options\.seed must be a whole number from 0 to .*, not -1\.$/],
    ["mergePrompts", [{ a: 1 }, {}], /^mergePrompts: boxes\.a must be a prompt, such as .* not 1/],
  ];
  it.each(cases)("of %s say what, where, and what to give", async (name, args, message) => {
    expect((await failure(() => call(name, medlsam, args)))?.message).toMatch(message);
  });

  it("tell a segmenter of one's own what its masks take", async () => {
    const careless: medlsam.Segmenter = {
      name: "careless",
      async segment({ masks }) {
        await masks.set(0, null as never, new Float32Array(1));
        return {};
      },
    };
    const error = await failure(() => medlsam.segment(scan, { segmenter: careless, organs }));
    expect(error?.message).toMatch(/^Masks\.set: box must be a box, \{ min, max \}, not null\.$/);
  });
});
