import { z } from "zod";
import { type CallOptions, callNative, type Progress } from "../addon/call.js";
import type { OrganComparison } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { aFunction, aPath, checkArguments, optionsOf } from "../base/arguments.js";
import { InputError, UsageError } from "../base/errors.js";
import { type Boxes, boxesSchema, type OrganBoxes, readBoxesFile } from "../formats/boxes.js";
import { labelNames } from "../formats/label-names.js";
import { stemOf } from "../formats/scan-names.js";
import { physicalBox, type Triple } from "../geometry/box.js";
import type { Localization } from "../localization/result.js";
import { placeTolerance, requireSameGeometry, requireSameShape } from "../volumes/geometry.js";
import { type DicomOptions, dicomOptionsShape } from "../volumes/read.js";
import { type Volume, volumeSource } from "../volumes/volume.js";
import { byName, firstNaming, type Names } from "./organ-names.js";
import type { CaseEvaluation, OrganEvaluation } from "./result.js";
import { type OrganEvidence, score } from "./scores.js";
import { openSides } from "./sides.js";
import {
  isMap,
  type LabelMap,
  type Located,
  locate,
  type MaskSource,
  type Masks,
  maskSource,
  type OpenOrgan,
  type OrganMask,
  organsOf,
} from "./sources.js";

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends CallOptions, DicomOptions {
  /** The predicted masks. A folder's `boxes.json` is used too, and a JSON of boxes alone is accepted. */
  prediction?: MaskSource;
  /** The predicted boxes, for IoU and WD. Without them, the boxes around the predicted masks are compared. */
  boxes?: string | Localization;
  truth: MaskSource;
  /**
   * The scan, where the prediction or the truth is a DICOM segmentation or structure set: those have no voxels of their own. Not needed
   * if the other side has the scan's voxels.
   */
  image?: string | Volume;
  /** Name of the case; by default the prediction's or the truth's file name. */
  name?: string;
  /**
   * Names of the truth's labels, and of the prediction's where it has no label table. By default the label tables in
   * the headers, then the labels in the boxes' JSON; a label without a name is called by its number.
   */
  names?: ReadonlyMap<number, string>;
  /** Tolerance of the normalized surface Dice, mm; 2 by default. */
  tolerance?: number;
  /** Only these organs. */
  organs?: readonly string[];
  /** Reports one phase, "compare", with a part for each organ. */
  onProgress?: (progress: Progress) => void;
}

export const defaultTolerance = 2;

const evaluateOptions = optionsOf({
  ...dicomOptionsShape,
  prediction: maskSource.optional(),
  boxes: z
    .union([aPath, boxesSchema], "must be a path, as text, or what localize found")
    .optional(),
  truth: maskSource,
  image: volumeSource.optional(),
  name: z.string().optional(),
  names: labelNames.optional(),
  tolerance: z.number().optional(),
  organs: z.array(z.string()).optional(),
  onProgress: aFunction.optional(),
});

/** Voxel size for organs without voxels. */
const noSpacing: Triple = [1, 1, 1];

interface Case {
  prediction: LabelMap | Masks | undefined;
  predictionPath: string;
  boxes?: Boxes;
  truth: LabelMap | Masks;
  truthPath: string;
}

/**
 * Compares one case's prediction with its truth, organ by organ (algorithm.md part 7). Holds both label maps or, where
 * there is a mask for each organ, one organ's two masks. Each thread crops one organ out of them; no voxel reaches
 * JavaScript.
 * @throws InputError `GEOMETRY_MISMATCH` for other shapes or affines, `BAD_LABELS` for values that are not labels or
 *   masks that are not 0/1, and for files that cannot be read; UsageError; AbortedError.
 */
export async function evaluate(options: EvaluateOptions): Promise<CaseEvaluation> {
  checkArguments("evaluate", { options: [options, evaluateOptions] });
  const { tolerance = defaultTolerance } = options;
  if (!(tolerance >= 0 && Number.isFinite(tolerance))) {
    throw new UsageError(`tolerance must be 0 mm or more, not ${tolerance}.`);
  }
  const opened = await openCase(options);
  try {
    const organs = await evaluateOrgans(opened, tolerance, options);
    return {
      case: options.name ?? stemOf(opened.predictionPath || opened.truthPath),
      prediction: opened.predictionPath,
      truth: opened.truthPath,
      tolerance,
      organs,
    };
  } finally {
    for (const source of [opened.prediction, opened.truth]) {
      if (source !== undefined && isMap(source)) source.close();
    }
  }
}

async function openCase(options: EvaluateOptions): Promise<Case> {
  if (options.prediction === undefined && options.boxes === undefined) {
    throw new UsageError("There is nothing to evaluate: give a prediction, or boxes.");
  }
  const located: Located =
    options.prediction === undefined ? { path: "" } : await locate(options.prediction);
  const truth = await locate(options.truth);
  if (truth.masks === undefined || (truth.masks instanceof Map && truth.masks.size === 0)) {
    throw new InputError(
      "BAD_LABELS",
      `${truth.path || "The truth"}: holds no mask to compare with.`,
    );
  }
  const givenBoxes = options.boxes ?? located.boxes;
  const boxes = typeof givenBoxes === "string" ? await readBoxesFile(givenBoxes) : givenBoxes;
  const boxesPath = typeof givenBoxes === "string" ? givenBoxes : (givenBoxes?.image ?? "");
  const [prediction, openedTruth] = await openSides(
    { masks: located.masks, role: "The prediction" },
    { masks: truth.masks, role: "The truth" },
    options,
  );
  return {
    prediction,
    predictionPath: located.path || boxesPath,
    ...(boxes && { boxes }),
    truth: openedTruth as LabelMap | Masks,
    truthPath: truth.path,
  };
}

/** The organs of both sides, matched by name. */
function namedOrgans({ prediction, truth, boxes }: Case, given: Names = new Map()) {
  const table = (source: Case["prediction"]) =>
    source !== undefined && isMap(source) ? source.table : new Map<number, string>();
  const inBoxes = new Map(
    Object.entries(boxes?.organs ?? {})
      .filter(([name]) => !/^\d+$/.test(name))
      .flatMap(([name, { label }]) => (label === undefined ? [] : [[label, name] as const])),
  );
  const truthOwn = firstNaming(given, table(truth));
  const predictionOwn = firstNaming(table(prediction), given);
  const truthNames = firstNaming(truthOwn, inBoxes, table(prediction));
  const predictionNames = firstNaming(predictionOwn, truthOwn, inBoxes);
  const rename = (name: string) => byName(name, truthNames);
  return {
    truth: organsOf(truth, truthOwn, truthNames, rename, "The truth's"),
    predicted:
      prediction &&
      organsOf(prediction, table(prediction), predictionNames, rename, "The prediction's"),
    boxes: new Map(
      Object.entries(boxes?.organs ?? {}).map(([name, organ]) => [rename(name), organ]),
    ),
  };
}

async function evaluateOrgans(
  opened: Case,
  tolerance: number,
  options: EvaluateOptions,
): Promise<Record<string, OrganEvaluation>> {
  const organs = namedOrgans(opened, options.names);
  const { truth, predicted, boxes } = organs;
  const all = [...new Set([...truth.keys(), ...(predicted?.keys() ?? []), ...boxes.keys()])];
  const names = all.filter((name) => options.organs?.includes(name) ?? true);
  const comparisons = await compareMaps(opened, names, organs, tolerance, options);
  const results: [string, OrganEvaluation][] = [];
  for (const [i, name] of names.entries()) {
    if (!comparisons) options.onProgress?.({ phase: "compare", done: i, total: names.length });
    const box = boxes.get(name);
    const given = { predicted: predicted?.get(name), truth: truth.get(name) };
    const result = await withOrgan(given, options, async (mask, truthMask) => {
      if (truthMask) requireSamePlace(opened, name, box, truthMask.map);
      const evidence: OrganEvidence = {
        annotated: truthMask !== undefined,
        truth: truthMask?.extent ?? { voxels: 0, box: null },
        ...(predicted && { mask: mask?.extent ?? { voxels: 0, box: null } }),
        ...(opened.boxes && boxEvidence(box)),
      };
      const comparison =
        comparisons?.get(name) ?? (await compareMasks(mask, truthMask, tolerance, options));
      const spacing = (truthMask ?? mask)?.map.volume.spacing ?? noSpacing;
      return score({ ...evidence, ...(comparison && { comparison }) }, spacing);
    });
    const spokenOf = given.predicted !== undefined || box !== undefined;
    if (result.outcome !== "absent" || spokenOf) results.push([name, result]);
  }
  options.onProgress?.({ phase: "compare", done: names.length, total: names.length });
  return Object.fromEntries(results);
}

/** The predicted box, null for an organ that was found absent, undefined for one that was prompted by points. */
function boxEvidence(found: OrganBoxes | undefined): Pick<OrganEvidence, "box"> {
  if (!found || found.present === false) return { box: null };
  return found.box ? { box: found.box } : {};
}

/** Compares all organs of two label maps in one call. Gives nothing if one side has a mask for each organ. */
async function compareMaps(
  { prediction, truth }: Case,
  names: readonly string[],
  organs: { predicted?: Map<string, OpenOrgan>; truth: Map<string, OpenOrgan> },
  tolerance: number,
  options: EvaluateOptions,
): Promise<Map<string, OrganComparison> | undefined> {
  if (prediction === undefined || !isMap(prediction) || !isMap(truth)) return undefined;
  requireSameGeometry(prediction.path, prediction.volume, truth.path, truth.volume);
  const pairs = new Map<string, [number, number]>();
  for (const name of names) {
    const mask = await organs.predicted?.get(name)?.(options);
    const truthMask = await organs.truth.get(name)?.(options);
    if (mask?.extent.voxels && truthMask?.extent.voxels) {
      pairs.set(name, [mask.label, truthMask.label]);
    }
  }
  const labels = Int32Array.from([...pairs.values()].flat());
  const [a, b] = [prediction.volume.handle, truth.volume.handle];
  const results = await callNative(
    options,
    (task) => native.compareLabels(a, b, labels, tolerance, task),
    (done, total) => options.onProgress?.({ phase: "compare", done, total }),
  );
  return new Map([...pairs.keys()].map((name, i) => [name, results[i] as OrganComparison]));
}

async function compareMasks(
  mask: OrganMask | undefined,
  truth: OrganMask | undefined,
  tolerance: number,
  options: CallOptions,
): Promise<OrganComparison | undefined> {
  if (!mask || !truth) return undefined;
  const [a, b] = [mask.map, truth.map];
  requireSameGeometry(a.path, a.volume, b.path, b.volume);
  if (mask.extent.voxels === 0 || truth.extent.voxels === 0) return undefined;
  const labels = Int32Array.of(mask.label, truth.label);
  const [comparison] = await callNative(options, (task) =>
    native.compareLabels(a.volume.handle, b.volume.handle, labels, tolerance, task),
  );
  return comparison;
}

/** Opens both masks of an organ and closes them after use. */
async function withOrgan<T>(
  open: { predicted: OpenOrgan | undefined; truth: OpenOrgan | undefined },
  options: CallOptions,
  use: (mask: OrganMask | undefined, truth: OrganMask | undefined) => Promise<T>,
): Promise<T> {
  const [mask, truth] = await Promise.all([open.predicted?.(options), open.truth?.(options)]);
  try {
    return await use(mask, truth);
  } finally {
    mask?.close();
    truth?.close();
  }
}

/** Checks by a physical box that boxes and truth are of one scan: their JSON has no affine. @throws InputError `GEOMETRY_MISMATCH` */
function requireSamePlace(
  { boxes, predictionPath }: Case,
  name: string,
  box: OrganBoxes | undefined,
  { path, volume }: LabelMap,
): void {
  if (!boxes) return;
  const of = predictionPath || "The boxes";
  requireSameShape(of, boxes.shape, path, volume.shape);
  if (!box?.box || !box.physicalBox) return;
  const there = physicalBox(box.box, volume.affine);
  const [is, should] = [box.physicalBox, there].map(({ min, max }) => [...min, ...max]);
  const tolerance = placeTolerance(volume);
  if (is?.every((value, i) => Math.abs(value - (should?.[i] as number)) <= tolerance)) return;
  throw new InputError(
    "GEOMETRY_MISMATCH",
    `${of}: its box of ${name} begins at [${box.physicalBox.min}] mm (LPS), but in ${path} these voxels begin at ` +
      `[${there.min}] mm. Was another image localized? Resample one onto the other.`,
  );
}
