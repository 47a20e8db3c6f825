/** Two boxes of one scan, compared. */
import { native } from "../addon/loader.js";
import { checkArguments, threeNumbers } from "../base/arguments.js";
import { aBox, type Box, type Triple } from "../geometry/box.js";

/** Figures of two boxes (algorithm.md part 7). */
export interface BoxComparison {
  /** Intersection over union, side lengths being max − min; null for two boxes that are one voxel thick. */
  iou: number | null;
  /** Wall distance: mean distance of the six walls, mm. */
  wd: number;
}

/**
 * Compares two boxes of stored voxels. `spacing`: edge lengths of a voxel, mm, (z, y, x).
 * @throws UsageError for a box whose min is above its max.
 */
export function compareBoxes(a: Box, b: Box, spacing: Triple): BoxComparison {
  checkArguments("compareBoxes", { a: [a, aBox], b: [b, aBox], spacing: [spacing, threeNumbers] });
  return overlapOf(a, b, spacing);
}

/** As compareBoxes, of arguments that are checked. */
export function overlapOf(a: Box, b: Box, spacing: Triple): BoxComparison {
  const { iou, wallDistance } = native.boxOverlap(a, b, spacing);
  return { iou: Number.isNaN(iou) ? null : iou, wd: wallDistance };
}
