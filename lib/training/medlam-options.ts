/** The options of training MedLAM: their meaning, defaults and limits. */
import { commonNumbers, decimal, learningRate, type TrainOptions, whole } from "./options.js";

export interface TrainMedLamOptions extends TrainOptions {
  /** Paths of CT scans. */
  scans: string[];
  /** Scans on which the error in mm is measured after every epoch. */
  validationScans?: string[];
  /** Label maps of `validationScans`, in their order: boxes are localized and compared while training. */
  validationLabels?: string[];
  /** Epochs from one comparison of boxes to the next. */
  validateEvery?: number;
  /**
   * A MedLAM checkpoint whose weights to start from, with its width and patch; random ones otherwise. A training checkpoint of
   * the published code (`.tar`) brings Adam's state along.
   */
  from?: string;
  /**
   * Base width B; the published one by default, or that of `from`. A multiple of that of `from` widens it: what was learned
   * stays, in twice the channels or more (Net2Net).
   */
  width?: number;
  /** Edge of a patch in voxels, a multiple of 16; the published one by default, or that of `from`. */
  patch?: number;
  /**
   * Steps at the beginning that train UAM alone, which needs a tenth of a whole step's time. Not in the published method; for
   * short trainings of small networks.
   */
  uamSteps?: number;
  /**
   * HU from which on a voxel counts as the body, in which patches' centres and points are drawn. The default is the published
   * threshold: where a scan's air is noisy, half of them then lie in air, from which nothing can be learned. −900 leaves
   * lungs in and air out.
   */
  foreground?: number;
  /** Intensities are in 0..1 already. */
  normalized?: boolean;
  onEpoch?: (epoch: TrainedEpoch) => void;
}

/** Defaults are as published where the paper has the number. `learningRate` × 0.8 after every 10 epochs. */
export const medLamNumbers = {
  ...commonNumbers,
  width: whole(1, 1024, 24),
  patch: whole(32, 256, 64),
  steps: whole(1, 1e9, 1000),
  epochs: whole(1, 1e6, 300),
  batch: whole(1, 1024, 4),
  learningRate: learningRate(1e-4),
  uamSteps: whole(0, 1e9, 0),
  foreground: decimal(-1000, 3000, -1000),
  validateEvery: whole(1, 1e6, 1),
};

/** Means over the steps of an epoch that this run did. */
export interface TrainedEpoch {
  /** From 1. */
  epoch: number;
  /** Mean squared error in mm². */
  uam: number;
  mss: number;
  patchesPerSecond: number;
  /** Root mean square error of UAM on the validation scans. */
  validationMm?: number;
  /** Mean IoU of the annotated scans' boxes, those of the supports left out. */
  iou?: number;
  /** Their mean wall distance, mm. */
  wdMm?: number;
  /** The same of each organ, by its name, the mean over the scans. */
  organIou?: Record<string, number>;
  organWdMm?: Record<string, number>;
}
