/** Schemas of the training calls' options, all but their numbers, which are checked with their defaults (settleNumbers). */
import { z } from "zod";
import { aFunction, aPath, optionsOf, wholeNumber } from "../base/arguments.js";

/** Options of every training run. */
const trainOptions = {
  folder: aPath,
  device: z.string().optional(),
  peer: z.object({ rank: z.number(), count: z.number() }).optional(),
  resume: z.boolean().optional(),
  onProgress: aFunction.optional(),
  onFallback: aFunction.optional(),
  cache: aPath.optional(),
  from: aPath.optional(),
  precision: z.enum(["float32", "bfloat16"]).optional(),
  onEpoch: aFunction.optional(),
};

export const trainMedLamOptions = optionsOf({
  ...trainOptions,
  scans: z.array(aPath, "must be a list of paths of scans"),
  validationScans: z.array(aPath).optional(),
  validationLabels: z.array(aPath).optional(),
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
  sizes: z.object({ globalBlocks: z.array(wholeNumber(0, 255)).optional() }).optional(),
});
