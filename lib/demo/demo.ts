/** The whole method on a phantom that the demo models have never seen, and how well it did. */
import { join } from "node:path";
import { Readable } from "node:stream";
import type { CallOptions, Progress } from "../addon/call.js";
import type { PhantomAbout } from "../addon/contract/index.js";
import { evaluate } from "../evaluation/evaluate.js";
import type { CaseEvaluation } from "../evaluation/result.js";
import { formatJson } from "../formats/json.js";
import { stemOf } from "../formats/scan-names.js";
import type { Triple } from "../geometry/box.js";
import { localize } from "../localization/localize.js";
import { MedLam } from "../localization/medlam.js";
import type { Localization } from "../localization/result.js";
import { Templates } from "../localization/templates.js";
import { phantomFiles, writePhantom } from "../phantom/files.js";
import { makePhantom } from "../phantom/phantom.js";
import { writeCase } from "../pipeline/write-case.js";
import { Sam } from "../segmentation/sam.js";
import { segment } from "../segmentation/segment.js";
import { writePage } from "../viewer/page.js";
import { writeParts } from "../viewer/write-parts.js";
import { Volume } from "../volumes/volume.js";
import { demoModels } from "./models.js";
import { demoPage } from "./page.js";

export interface DemoOptions extends CallOptions {
  /** Gets the scan, its label map, and the folder of results. */
  folder: string;
  /** Of the phantom. */
  seed: number;
  /** mm along head–feet, front–back, left–right; as the seed has it if not given. */
  spacing?: Triple;
  onProgress?: (progress: Progress) => void;
}

/** What a demo run did and how well. */
export interface Demo {
  name: string;
  /** The phantom in words. */
  description: string;
  /** What the results say of the models. */
  note: string;
  image: string;
  labels: string;
  geometry: { shape: Triple; affine: readonly number[] };
  /** The folder of a mask for each organ, statistics, boxes and the picture. */
  results: string;
  /** All masks as one label map. */
  masks: string;
  page: string;
  localization: Localization;
  evaluation: CaseEvaluation;
  /** Of each stage, in their order. */
  seconds: Record<Stage, number>;
}

type Stage = "models" | "phantom" | "localize" | "segment" | "write" | "evaluate" | "page";

/**
 * Leaves in the folder `phantom-SEED.nii.gz` and its truth, the results, `index.html` and `evaluation.json`.
 * @throws InputError if the package came without its models; OutputError; AbortedError.
 */
export async function runDemo(options: DemoOptions): Promise<Demo> {
  // The seed is the phantom's alone.
  const { folder, seed, spacing, ...call } = options;
  const { onProgress } = call;
  const { seconds, timed } = stopwatch(onProgress);
  const files = phantomFiles(folder, seed);
  const name = stemOf(files.image);
  const [results, masks] = [join(folder, name), join(folder, `${name}_segmentation.nii.gz`)];

  // Missing models are better known before anything is made.
  const models = await timed("models", () => loadModels(call));
  const { medlam, sam, templates } = models;
  let volume: Volume | undefined;
  try {
    const about = await timed("phantom", async () => {
      const phantom = await makePhantom({ ...call, seed, spacing });
      await writePhantom(phantom, files, call);
      return phantom.about;
    });
    const image = await Volume.read(files.image, call);
    volume = image;
    const localization = await timed("localize", () =>
      localize(image, { ...call, medlam, templates, survey: true }),
    );
    const { organs, note = "" } = localization;
    const segmentation = await timed("segment", async () =>
      segment(image, { ...call, segmenter: sam, organs, note }),
    );
    try {
      await timed("write", async () => {
        const outputs = { labelMap: false, statistics: true, preview: true, page: false };
        await writeCase(folder, name, segmentation, localization, outputs, call);
        await segmentation.writeLabelMap(masks, call);
      });
    } finally {
      segmentation.close();
    }
    const evaluation = await timed("evaluate", () =>
      evaluate({ ...call, prediction: results, truth: files.labels }),
    );
    const { shape, affine } = image;
    const demo: Demo = {
      ...{ name, description: describe(about), note, ...files, geometry: { shape, affine } },
      ...{ results, masks, page: join(folder, "index.html"), localization, evaluation, seconds },
    };
    await timed("page", () => writePage(demo.page, demoPage(demo), call));
    await writeEvaluation(join(folder, "evaluation.json"), demo, call);
    return demo;
  } finally {
    volume?.close();
    for (const model of Object.values(models)) model.close();
  }
}

function stopwatch(onProgress: DemoOptions["onProgress"]) {
  const seconds: Record<Stage, number> = {
    ...{ models: 0, phantom: 0, localize: 0, segment: 0, write: 0, evaluate: 0, page: 0 },
  };
  const timed = async <T>(stage: Stage, act: () => PromiseLike<T>): Promise<T> => {
    const started = performance.now();
    onProgress?.({ phase: stage, done: 0, total: 1 });
    try {
      return await act();
    } finally {
      seconds[stage] = (performance.now() - started) / 1000;
    }
  };
  return { seconds, timed };
}

function describe({ sex, region, contrast, missing }: PhantomAbout): string {
  const phase = contrast === "none" ? "without contrast medium" : `in the ${contrast} phase`;
  const without = missing.length === 0 ? "" : `, ${missing.join(" and ")} taken out`;
  return `A synthetic CT of a ${sex} ${region === "whole" ? "body" : region}, ${phase}${without}.`;
}

async function writeEvaluation(path: string, demo: Demo, options: CallOptions): Promise<void> {
  const { note, description, evaluation, seconds } = demo;
  const json = formatJson({ version: 1, note, description, evaluation, seconds });
  await writeParts(path, Readable.from([json, "\n"]), options);
}

async function loadModels(options: CallOptions) {
  const files = demoModels();
  const templates = await Templates.open(files.templates, options);
  const medlam = await MedLam.load(files.medlam, options);
  return { templates, medlam, sam: await Sam.load(files.sam, options) };
}
