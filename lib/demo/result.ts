import type { CaseEvaluation } from "../evaluation/result.js";
import type { Triple } from "../geometry/box.js";
import type { Localization } from "../localization/result.js";

/** A demo run: its files, boxes and figures of merit. */
export interface Demo {
  name: string;
  /** The phantom in words. */
  description: string;
  /** Note about the models that the results carry. */
  note: string;
  image: string;
  labels: string;
  geometry: { shape: Triple; affine: readonly number[] };
  /** The folder of a mask for each organ, statistics, boxes and the picture. */
  results: string;
  /** All masks as one label map. */
  masks: string;
  page: string;
  localization: Localization;
  evaluation: CaseEvaluation;
  /** Seconds of each stage, in their order. */
  seconds: Record<Stage, number>;
}

export type Stage = "models" | "phantom" | "localize" | "segment" | "write" | "evaluate" | "page";
