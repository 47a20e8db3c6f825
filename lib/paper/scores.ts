/** One query scan against its label map, scored as the published code does. */
import { type CallOptions, callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import { type Box, unionBox } from "../geometry/box.js";
import type { Localization } from "../localization/result.js";
import type { OrganPrompt } from "../segmentation/prompts.js";
import type { SegmentedOrgan } from "../segmentation/segmentation.js";
import type { Volume } from "../volumes/volume.js";
import type { PublishedConfig } from "./config.js";
import type { LocalizedClass, SegmentedClass } from "./results.js";

export interface ScoreOptions extends CallOptions {
  /** Called with the reason why a class is not counted. */
  onNote(text: string): void;
}

/** Predicted and true boxes by class; a class that is not annotated is left out with a note. */
export async function compareBoxes(
  { organs }: Localization,
  truth: Volume,
  { onNote, ...options }: ScoreOptions,
): Promise<[number, LocalizedClass][]> {
  const extents = await callNative(options, (task) => native.countLabels(truth.handle, task));
  const boxes = new Map(extents.map(({ label, box }) => [label, box as Box]));
  return Object.values(organs).flatMap(({ label, parts }): [number, LocalizedClass][] => {
    const box = boxes.get(label);
    if (box === undefined) {
      onNote(`${truth.path}: class ${label} is not annotated, and not counted`);
      return [];
    }
    const { iou, wallDistance: wd } = native.boxOverlap(unionBox(parts), box, truth.spacing);
    return [[label, { parts, truth: box, spacing: truth.spacing, iou, wd }]];
  });
}

/**
 * The slices that are evaluated: within the organs' boxes, the highest one's last slice excluded, those with more
 * annotated pixels than the threshold, of all classes together.
 */
export async function annotatedSlices(
  truth: Volume,
  organs: Readonly<Record<string, OrganPrompt>>,
  { classes, gtSliceThreshold }: PublishedConfig,
  options: CallOptions,
): Promise<number[]> {
  const counts = await callNative(options, (task) =>
    native.labelledPixels(truth.handle, Int32Array.from(classes), task),
  );
  const parts = Object.values(organs).map((organ) => organ.parts ?? []);
  const axis = sliceAxis(truth);
  const first = Math.min(...parts.map((boxes) => boxes[0]?.min[axis] as number));
  const last = Math.max(...parts.map((boxes) => boxes.at(-1)?.max[axis] as number));
  return Array.from(counts.keys()).filter(
    (z) => z >= first && z < last && (counts[z] as number) > gtSliceThreshold,
  );
}

/** Dice and HD95 of one class; nothing, with a note, where one of its masks is empty. */
export async function compareMasks(
  organ: SegmentedOrgan,
  image: string,
  truth: Volume,
  { onNote, ...options }: ScoreOptions,
): Promise<SegmentedClass | undefined> {
  const mask = await organ.toVolume(options);
  try {
    const labels = Int32Array.of(1, organ.label);
    const [measured] = await callNative(options, (task) =>
      native.compareLabels(mask.handle, truth.handle, labels, 0, task),
    );
    if (!measured) throw new InputError("BAD_LABELS", `${truth.path}: could not be compared.`);
    if (Number.isFinite(measured.hausdorff95)) {
      const voxels = measured.prediction.voxels + measured.truth.voxels;
      // The published code divides by the voxels and a little more.
      return { dice: (measured.dice * voxels) / (voxels + 1e-4), hd95: measured.hausdorff95 };
    }
    const which = organ.voxels === 0 ? "segmented" : "annotated";
    onNote(`${image}: class ${organ.label} has no ${which} voxel, and is not counted`);
    return undefined;
  } finally {
    mask.close();
  }
}

/** Stored axis, of (z, y, x), that runs nearest to head–foot: slices lie across it. */
function sliceAxis({ axes }: Volume): 0 | 1 | 2 {
  return (2 - [...axes].findIndex((code) => code === "S" || code === "I")) as 0 | 1 | 2;
}
