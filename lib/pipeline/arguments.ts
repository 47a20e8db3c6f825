/** Schemas of the pipeline's public arguments. */

import { z } from "zod";
import { aFunction, aPath, instanceOf, optionsOf, wholeNumber } from "../base/arguments.js";
import { maxSeed } from "../base/seed.js";
import { outputFormats } from "../formats/mask-formats.js";
import { gridOptionsShape } from "../localization/grid.js";
import { aLattice } from "../localization/lattice.js";
import { aMedLam } from "../localization/medlam.js";
import { someTemplates } from "../localization/templates.js";
import { someCodes } from "../segmentation/dicom-files.js";
import { somePlanes } from "../segmentation/mask-files.js";
import { Sam } from "../segmentation/sam.js";
import { aSegmenter } from "../segmentation/segmenter.js";
import { readOptionsShape } from "../volumes/read.js";
import { aVolume } from "../volumes/volume.js";

const flag = z.boolean().optional();
const orPath = (model: z.ZodType, name: string) =>
  z.union([aPath, model], `must be a path, as text, or ${name}`).optional();

export const pipelineOptions = optionsOf({
  templates: orPath(someTemplates, "Templates"),
  medlam: orPath(aMedLam, "a MedLam"),
  sam: orPath(instanceOf(Sam, "Sam.load"), "a Sam"),
  segmenter: aSegmenter.optional(),
  models: z.string().optional(),
  strategy: z.enum(["wpl", "spl"]).optional(),
});

export const aCase = z.object(
  {
    name: z.string().min(1),
    image: z.string(),
    series: z.string().optional(),
    boxes: aPath.optional(),
  },
  "must be a case, { name, image }",
);

export const someCases = z.array(z.union([aPath, aCase], "must be a path, as text, or a case"));

const runShape = {
  ...gridOptionsShape,
  ...readOptionsShape,
  output: aPath.optional(),
  scales: z.array(z.number()).optional(),
  queryCenters: z.array(z.array(z.number())).optional(),
  seed: wholeNumber(0, maxSeed).optional(),
  survey: flag,
  lattice: aLattice.optional(),
  minScore: z.number().optional(),
  organs: z.array(z.string()).optional(),
  boxes: aPath.optional(),
  points: aPath.optional(),
  largestComponent: flag,
  minVoxels: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
  formats: z
    .array(z.enum(outputFormats), "must be a list of formats")
    .min(1, "must have a format at least")
    .optional(),
  reference: orPath(aVolume, "a Volume"),
  codes: someCodes.optional(),
  holes: z.enum(["keyholes", "nested"]).optional(),
  labelMap: flag,
  statistics: flag,
  preview: flag,
  previewPlanes: somePlanes.optional(),
  page: flag,
  markups: flag,
  dicomUids: flag,
  segmentAbsent: flag,
  slices: aFunction.optional(),
  onMasks: aFunction.optional(),
  onEvent: aFunction.optional(),
  onProgress: aFunction.optional(),
};

export const runOptions = optionsOf(runShape);

export const runAllOptions = optionsOf({
  ...runShape,
  shard: z.object({ index: z.number(), count: z.number() }, "must be { index, count }").optional(),
  skipExisting: flag,
  lookAhead: flag,
  report: aPath.optional(),
  settings: z.looseObject({}).optional(),
});

export const namedCases = z.array(z.object({ name: z.string() }, "must be a case, with a name"));

export const aJob = z.object(
  {
    skip: aFunction.optional(),
    prepare: aFunction,
    work: aFunction,
    conclude: aFunction.optional(),
    release: aFunction.optional(),
  },
  "must be a job, { prepare, work }",
);

export const loopOptions = optionsOf({ lookAhead: flag, onEvent: aFunction.optional() });
