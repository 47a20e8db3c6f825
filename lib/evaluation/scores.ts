/** One organ's figures, from the native code's measurements. */

import type { MaskExtent, OrganComparison } from "../addon/contract/index.js";
import type { Box, Triple } from "../geometry/box.js";
import { overlapOf } from "./compare-boxes.js";
import type { OrganEvaluation, OrganExtent, OrganMetrics, Outcome } from "./result.js";

/** Measurements of an organ in one case. */
export interface OrganEvidence {
  annotated: boolean;
  truth: MaskExtent;
  /** The predicted mask; undefined if only boxes were predicted. */
  mask?: MaskExtent;
  /** The predicted box; null if the organ was called absent, undefined if only masks were predicted. */
  box?: Box | null;
  /** The comparison of the masks, if both have voxels. */
  comparison?: OrganComparison;
}

/** @param spacing mm, (z, y, x) */
export function score(evidence: OrganEvidence, spacing: Triple): OrganEvaluation {
  const { annotated, truth, mask, comparison } = evidence;
  const box = evidence.box === undefined ? (mask?.box ?? null) : evidence.box;
  const outcome = outcomeOf(mask ? mask.voxels > 0 : box !== null, truth.voxels > 0);
  return {
    outcome,
    annotated,
    ...(outcome === "absent" ? none : boxMetrics(box, truth.box, spacing)),
    ...(outcome === "absent" || !mask ? noMaskMetrics : maskMetrics(comparison)),
    prediction: extent(mask?.voxels ?? null, box, spacing),
    truth: extent(truth.voxels, truth.box, spacing),
  };
}

const none = { iou: null, wd: null };
const noMaskMetrics = { dice: null, hd95: null, nsd: null, assd: null };

function outcomeOf(predicted: boolean, inTruth: boolean): Outcome {
  if (inTruth) return predicted ? "found" : "missed";
  return predicted ? "false positive" : "absent";
}

function boxMetrics(
  a: Box | null,
  b: Box | null,
  spacing: Triple,
): Pick<OrganMetrics, "iou" | "wd"> {
  if (a === null && b === null) return none;
  if (a === null || b === null) return { iou: 0, wd: null };
  return overlapOf(a, b, spacing);
}

/** Figures of two masks. If there is no comparison, one of them is empty. */
function maskMetrics(comparison: OrganComparison | undefined): Omit<OrganMetrics, "iou" | "wd"> {
  if (!comparison) return { dice: 0, hd95: null, nsd: 0, assd: null };
  const { dice, hausdorff95, surfaceDice, averageDistance } = comparison;
  return { dice, hd95: hausdorff95, nsd: surfaceDice, assd: averageDistance };
}

function extent(voxels: number | null, box: Box | null, [dz, dy, dx]: Triple): OrganExtent {
  return { voxels, volume: voxels === null ? null : voxels * dz * dy * dx, box };
}
