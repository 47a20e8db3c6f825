/** Results of an evaluation: figures of merit (algorithm.md part 7) for each organ and case, and over the cases. */
import { z } from "zod";
import type { Box } from "../geometry/box.js";

/** The figures, in the order of the tables. Overlaps are fractions of 1, distances mm. */
export const metricNames = ["iou", "wd", "dice", "hd95", "nsd", "assd"] as const;
export type MetricName = (typeof metricNames)[number];

/**
 * One organ's figures in one case. A figure is `null` if it has no finite value: all figures of an organ that both
 * sides lack; distances if one side lacks it (they would be infinite; overlaps are 0 then); figures of masks if only
 * boxes were predicted; the IoU of two boxes that are one voxel thick.
 */
export interface OrganMetrics {
  /** Intersection over union of the boxes, side lengths being max − min. */
  iou: number | null;
  /** Wall distance: mean distance of the boxes' six walls, mm. */
  wd: number | null;
  dice: number | null;
  /** 95th percentile of the surface distances in both directions, mm. */
  hd95: number | null;
  /** Normalized surface Dice at the tolerance. */
  nsd: number | null;
  /** Average symmetric surface distance, mm. */
  assd: number | null;
}

/**
 * "missed": only the truth has the organ. "false positive": only the prediction has it. "absent": neither has it, and
 * the prediction lists it as absent. Masks decide if there are any, otherwise the box's `present`.
 */
export type Outcome = "found" | "missed" | "false positive" | "absent";

/** Extent of a mask or a box, in the prediction or in the truth. */
export interface OrganExtent {
  /** null if only a box was predicted. */
  voxels: number | null;
  /** mm³ */
  volume: number | null;
  /** Stored voxels, inclusive, (z, y, x); null for an absent organ. */
  box: Box | null;
}

export interface OrganEvaluation extends OrganMetrics {
  outcome: Outcome;
  /** Whether this case's truth covers the organ: by a voxel, a file, or a name in its label table. */
  annotated: boolean;
  prediction: OrganExtent;
  truth: OrganExtent;
}

/** One case: a prediction against its truth. */
export interface CaseEvaluation {
  case: string;
  /** Paths; "" for volumes that were not read from a file. */
  prediction: string;
  truth: string;
  /** Tolerance of `nsd`, mm. */
  tolerance: number;
  /** Organs by name, in the truth's order, without those that neither side has and the prediction does not list. */
  organs: Record<string, OrganEvaluation>;
}

/** Mean and population standard deviation; null if there is no value. */
export interface Spread {
  mean: number | null;
  std: number | null;
  /** Number of values: cases for an organ, organs for the average. */
  count: number;
}

export interface OrganSummary {
  /** Number of cases that count: those in which the truth or the prediction has the organ. */
  cases: number;
  /** Number of these in which only the truth, or only the prediction, has it. */
  missed: number;
  falsePositives: number;
  /** Number of cases in which the prediction rightly calls it absent; they do not count. */
  absent: number;
  /**
   * Figures over the cases that count. A missed or falsely found organ enters overlaps as 0; its distances are infinite
   * and enter no mean (see `missed` and `falsePositives`).
   */
  metrics: Record<MetricName, Spread>;
}

export interface EvaluationSummary {
  cases: number;
  tolerance: number;
  organs: Record<string, OrganSummary>;
  /** Mean and population standard deviation of the organs' means: every organ has the same weight. */
  average: Record<MetricName, Spread>;
  /** Predicted organs that the truth of no case covers; they are not scored. */
  notAnnotated: string[];
}

const figure = z.number().nullable();
const figures = { iou: figure, wd: figure, dice: figure, hd95: figure, nsd: figure, assd: figure };
const extent = z.object({ voxels: figure, volume: figure });

/** @internal Schema of evaluations as arguments. */
export const caseEvaluations = z.array(
  z.object({
    case: z.string(),
    tolerance: z.number(),
    organs: z.record(
      z.string(),
      z.object({ ...figures, outcome: z.string(), prediction: extent, truth: extent }),
    ),
  }),
  "must be a list of what evaluate gives",
);

const spread = z.object({ mean: figure, std: figure, count: z.number() });
const spreads = z.object({
  iou: spread,
  wd: spread,
  dice: spread,
  hd95: spread,
  nsd: spread,
  assd: spread,
});

/** @internal Schema of a summary as an argument. */
export const evaluationSummary = z.object(
  {
    cases: z.number(),
    tolerance: z.number(),
    organs: z.record(z.string(), z.object({ cases: z.number(), metrics: spreads })),
    average: spreads,
    notAnnotated: z.array(z.string()),
  },
  "must be what summarizeEvaluations gives",
);
