/** The whole method on a phantom that the demo models have never seen, and how well it did. */

import { join } from "node:path";
import { Readable } from "node:stream";
import type { CallOptions, Progress } from "../addon/call.js";
import type { RuntimeOptions } from "../addon/runtimes.js";
import {
  aFunction,
  aPath,
  checkArguments,
  optionsOf,
  threeNumbers,
  wholeNumber,
} from "../base/arguments.js";
import { maxSeed } from "../base/seed.js";
import { secondsSince } from "../base/time.js";
import { evaluate } from "../evaluation/evaluate.js";
import { formatJson } from "../formats/json.js";
import { stemOf } from "../formats/scan-names.js";
import type { Triple } from "../geometry/box.js";
import type { Localization } from "../localization/result.js";
import { phantomFiles, writePhantom } from "../phantom/files.js";
import { makePhantom, type PhantomAbout } from "../phantom/phantom.js";
import { Pipeline } from "../pipeline/pipeline.js";
import { writePage } from "../viewer/page.js";
import { writeParts } from "../viewer/write-parts.js";
import { demoPage } from "./page.js";
import type { Demo, Stage } from "./result.js";

export interface DemoOptions extends CallOptions, Pick<RuntimeOptions, "device" | "onFallback"> {
  /** Gets the scan, its label map, and the folder of results. */
  folder: string;
  /** Seed of the phantom; by default one without a left kidney. */
  seed?: number;
  /** mm along head–feet, front–back, left–right; as the seed has it if not given. */
  spacing?: Triple;
  onProgress?: (progress: Progress) => void;
}

const demoOptions = optionsOf({
  folder: aPath,
  seed: wholeNumber(0, maxSeed).optional(),
  spacing: threeNumbers.optional(),
  onProgress: aFunction.optional(),
});

/** Seed of a trunk without its left kidney: there is something to find, and something not to find. Training saw seeds below 10000. */
const demoSeed = 20026;

/**
 * Leaves in the folder `phantom-SEED.nii.gz` and its truth, the results, `index.html` and `evaluation.json`.
 * @throws InputError if the package came without its models; OutputError; AbortedError.
 */
export async function runDemo(options: DemoOptions): Promise<Demo> {
  checkArguments("runDemo", { options: [options, demoOptions] });
  // The seed is the phantom's alone.
  const { folder, seed = demoSeed, spacing, ...call } = options;
  const { seconds, timed } = stopwatch(call.onProgress);
  const files = phantomFiles(folder, seed);
  const name = stemOf(files.image);
  const masks = join(folder, `${name}_segmentation.nii.gz`);

  // Missing models had better be known before anything is made.
  const pipeline = await timed("models", () => Pipeline.load({ ...call, models: "demo" }));
  try {
    const about = await timed("phantom", async () => {
      const phantom = await makePhantom({ ...call, seed, spacing });
      await writePhantom(phantom, files, call);
      return phantom.about;
    });
    const found = await processPhantom(pipeline, { image: files.image, folder, masks }, call);
    Object.assign(seconds, found.seconds);
    const results = join(folder, name);
    const evaluation = await timed("evaluate", () =>
      evaluate({ ...call, prediction: results, truth: files.labels }),
    );
    const { localization, geometry } = found;
    const note = pipeline.note;
    const demo: Demo = {
      ...{ name, description: describe(about), note, ...files, geometry },
      ...{ results, masks, page: join(folder, "index.html"), localization, evaluation, seconds },
    };
    await timed("page", () => writePage(demo.page, demoPage(demo), call));
    await writeEvaluation(join(folder, "evaluation.json"), demo, call);
    return demo;
  } finally {
    pipeline.close();
  }
}

interface Places {
  image: string;
  folder: string;
  /** The label map of all organs. */
  masks: string;
}

async function processPhantom(
  pipeline: Pipeline,
  { image, folder, masks }: Places,
  call: CallOptions & Pick<DemoOptions, "onProgress">,
) {
  const scan = await pipeline.open(image, call);
  try {
    const result = await pipeline.run(scan, {
      ...call,
      ...{ output: folder, survey: true, statistics: true, preview: true },
      onMasks: (segmentation) => segmentation.writeLabelMap(masks, call),
      onEvent: (event) => {
        if (event.type === "progress") call.onProgress?.(event);
      },
    });
    const { read, grid, localize, segment, write } = result.seconds;
    const { shape, affine } = scan.volume;
    return {
      localization: result.localization as Localization,
      geometry: { shape, affine },
      seconds: { localize: read + grid + localize, segment, write },
    };
  } finally {
    scan.close();
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
      seconds[stage] = secondsSince(started);
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
