/** The whole method on a phantom that the demo models have never seen, and how well it did. */
import { join } from "node:path";
import { stemOf } from "../datasets/cases.js";
import { writeCase } from "../datasets/write-case.js";
import { evaluate } from "../evaluate/evaluate.js";
import type { CaseEvaluation } from "../evaluate/result.js";
import { localize } from "../localize/localize.js";
import { MedLam } from "../localize/medlam.js";
import type { Localization } from "../localize/result.js";
import type { CallOptions, Progress } from "../native/call.js";
import type { PhantomAbout } from "../native/contract.js";
import { phantomFiles, writePhantom } from "../phantoms/files.js";
import { makePhantom } from "../phantoms/phantom.js";
import { Sam } from "../segment/sam.js";
import { segment } from "../segment/segment.js";
import { Templates } from "../templates/templates.js";
import { type Triple, Volume } from "../volumes/volume.js";
import { demoModels } from "./models.js";

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
  about: PhantomAbout;
  /** What the results say of the models. */
  note: string;
  image: string;
  labels: string;
  /** Where masks, statistics, boxes and the picture are. */
  results: string;
  localization: Localization;
  evaluation: CaseEvaluation;
  /** Of each stage, in their order. */
  seconds: Record<"models" | "phantom" | "localize" | "segment" | "write" | "evaluate", number>;
}

/** @throws InputError if the package came without its models; OutputError; AbortedError. */
export async function runDemo(options: DemoOptions): Promise<Demo> {
  const { folder, seed, spacing, onProgress } = options;
  const seconds = { models: 0, phantom: 0, localize: 0, segment: 0, write: 0, evaluate: 0 };
  const timed = async <T>(stage: keyof typeof seconds, act: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    onProgress?.({ step: stage, done: 0, total: 1 });
    try {
      return await act();
    } finally {
      seconds[stage] = (performance.now() - started) / 1000;
    }
  };
  const files = phantomFiles(folder, seed);
  const [name, results] = [stemOf(files.image), join(folder, stemOf(files.image))];

  // Missing models are better known before anything is made.
  const models = await timed("models", () => loadModels(options));
  const { medlam, sam, templates } = models;
  let volume: Volume | undefined;
  try {
    const about = await timed("phantom", async () => {
      const phantom = await makePhantom({ ...options, seed, spacing });
      await writePhantom(phantom, files, options);
      return phantom.about;
    });
    const image = await Volume.read(files.image, options);
    volume = image;
    const localization = await timed("localize", () =>
      localize(image, { ...options, medlam, templates }),
    );
    const { organs, note = "" } = localization;
    const segmentation = await timed("segment", async () =>
      segment(image, { ...options, segmenter: sam, organs, note }),
    );
    try {
      const outputs = { labelMap: false, statistics: true, preview: true };
      await timed("write", () =>
        writeCase(folder, name, segmentation, localization, outputs, options),
      );
    } finally {
      segmentation.close();
    }
    const evaluation = await timed("evaluate", () =>
      evaluate({ ...options, prediction: results, truth: files.labels }),
    );
    return { about, note, ...files, results, localization, evaluation, seconds };
  } finally {
    volume?.close();
    for (const model of Object.values(models)) model.close();
  }
}

async function loadModels(options: CallOptions) {
  const files = demoModels();
  const templates = await Templates.open(files.templates, options);
  const medlam = await MedLam.load(files.medlam, options);
  return { templates, medlam, sam: await Sam.load(files.sam, options) };
}
