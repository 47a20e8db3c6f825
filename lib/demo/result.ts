import type { CaseEvaluation } from "../evaluation/result.js";
import type { Triple } from "../geometry/box.js";
import type { Localization } from "../localization/result.js";

/** What a demo run did and how well. */
export interface Demo {
  name: string;
  /** The phantom in words. */
  description: string;
  /** What the results say of the models. */
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
