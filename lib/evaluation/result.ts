/** What an evaluation says: figures of merit (algorithm.md part 7) per organ and case, and over the cases. */
import { z } from "zod";
import type { Box } from "../geometry/box.js";

/** The figures, in the order of the tables. Overlaps are fractions of 1, distances mm. */
export const metricNames = ["iou", "wd", "dice", "hd95", "nsd", "assd"] as const;
export type MetricName = (typeof metricNames)[number];

/**
 * One organ's figures in one case. `null`: it has no finite value. That is so for every figure where the organ is
 * absent from both; for distances where one of the two lacks it (they would be infinite; overlaps are 0 then); for
 * masks' figures where only boxes were predicted; for the IoU of two boxes that are one voxel thick.
 */
export interface OrganMetrics {
  /** Intersection over union of the boxes, side lengths being max − min. */
  iou: number | null;
  /** Wall distance: mean distance of the boxes' six walls, mm. */
  wd: number | null;
  dice: number | null;
  /** 95th percentile of the surface distances both ways, mm. */
  hd95: number | null;
  /** Normalized surface Dice at the tolerance. */
  nsd: number | null;
  /** Average symmetric surface distance, mm. */
  assd: number | null;
}

/**
 * "missed": only the truth has the organ. "false positive": only the prediction has it. "absent": neither has, and the
 * prediction says so. Masks decide where there are masks, the box's verdict `present` elsewhere.
 */
export type Outcome = "found" | "missed" | "false positive" | "absent";

/** A mask's or a box's extent in one of the two. */
export interface OrganExtent {
  /** null where only a box was predicted. */
  voxels: number | null;
  /** mm³ */
  volume: number | null;
  /** Stored voxels, inclusive, (z, y, x); null for an organ that is not there. */
  box: Box | null;
}

export interface OrganEvaluation extends OrganMetrics {
  outcome: Outcome;
  /** Whether this case's truth knows the organ at all: by a voxel, a file, or a name in its label table. */
  annotated: boolean;
  prediction: OrganExtent;
  truth: OrganExtent;
}

/** One case: a prediction against its truth. */
export interface CaseEvaluation {
  case: string;
  /** Paths; "" for volumes that came from no file. */
  prediction: string;
  truth: string;
  /** Of `nsd`, mm. */
  tolerance: number;
  /** By name, in the truth's order. Organs that neither has, and the prediction does not speak of, are left out. */
  organs: Record<string, OrganEvaluation>;
}

/** Mean and population standard deviation; null without a value. */
export interface Spread {
  mean: number | null;
  std: number | null;
  /** Of how many values: cases for an organ, organs for the average. */
  count: number;
}

export interface OrganSummary {
  /** Cases that count: where the truth or the prediction has the organ. */
  cases: number;
  /** Of these, where only the truth has it, and where only the prediction has it. */
  missed: number;
  falsePositives: number;
  /** Cases where the prediction rightly says that it is not there; they do not count. */
  absent: number;
  /**
   * Over the cases that count. A missed or falsely found organ enters overlaps as 0; its distances are infinite and
   * enter no mean: `missed` and `falsePositives` say how many those are.
   */
  metrics: Record<MetricName, Spread>;
}

export interface EvaluationSummary {
  cases: number;
  tolerance: number;
  organs: Record<string, OrganSummary>;
  /** Mean and population standard deviation of the organs' means: every organ weighs the same. */
  average: Record<MetricName, Spread>;
  /** Organs that were predicted but are known to no case's truth: they are not scored. */
  notAnnotated: string[];
}

const figure = z.number().nullable();
const figures = { iou: figure, wd: figure, dice: figure, hd95: figure, nsd: figure, assd: figure };
const extent = z.object({ voxels: figure, volume: figure });

/** Evaluations as public functions take them. */
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

/** A summary as public functions take it. */
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
