/** What the training calls take, for checking it; ranges of numbers are checked with their defaults. */
import { z } from "zod";
import { aFunction, aPath, optionsOf } from "../base/arguments.js";

const number = z.number().optional();
const precision = z.enum(["float32", "bfloat16"]).optional();

/** Options of every training run. */
const trainOptions = {
  folder: aPath,
  seed: number,
  device: z.string().optional(),
  microBatch: number,
  loaders: number,
  resume: z.boolean().optional(),
  onProgress: aFunction.optional(),
  cache: aPath.optional(),
  from: aPath.optional(),
  steps: number,
  epochs: number,
  batch: number,
  learningRate: number,
  precision,
  onEpoch: aFunction.optional(),
};

export const trainMedLamOptions = optionsOf({
  ...trainOptions,
  scans: z.array(aPath, "must be a list of paths of scans"),
  validationScans: z.array(aPath).optional(),
  validationLabels: z.array(aPath).optional(),
  validateEvery: number,
  width: number,
  patch: number,
  uamSteps: number,
  foreground: number,
  processes: number,
  peer: z.object({ rank: z.number(), count: z.number() }).optional(),
  normalized: z.boolean().optional(),
});

const annotatedScans = z.array(
  z.object({ image: aPath, labels: aPath }, "must be an annotated scan, { image, labels }"),
  "must be a list of annotated scans, { image, labels } each",
);

export const trainSamOptions = optionsOf({
  ...trainOptions,
  scans: annotatedScans,
  validationScans: annotatedScans.optional(),
  encoder: z.boolean().optional(),
  sizes: z
    .object({
      imageSize: number,
      patch: number,
      width: number,
      depth: number,
      heads: number,
      mlp: number,
      window: number,
      globalBlocks: z.array(z.number()).optional(),
      channels: number,
      decoderMlp: number,
    })
    .optional(),
  prompts: number,
  jitter: number,
});
