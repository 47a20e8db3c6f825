/** The options of training SAM: their meaning, defaults and limits. */
import { commonNumbers, decimal, learningRate, type TrainOptions, whole } from "./options.js";
import type { AnnotatedScan } from "./scans.js";

/** Sizes of a new SAM. */
export interface SamSizes {
  /** Edge of a slice as SAM sees it, in pixels. */
  imageSize?: number;
  /** Edge of a patch in pixels. Masks have 4 values along each. */
  patch?: number;
  /** Channels of the image encoder, */
  width?: number;
  /** its blocks, */
  depth?: number;
  /** the heads of their attention, */
  heads?: number;
  /** and their hidden units. */
  mlp?: number;
  /** Edge, in patches, of the window that a block of the encoder attends to. */
  window?: number;
  /** Blocks that attend to the whole slice, from 0. */
  globalBlocks?: readonly number[];
  /** Channels of the embedding, a multiple of 16. */
  channels?: number;
  /** Hidden units of the mask decoder. */
  decoderMlp?: number;
}

export interface TrainSamOptions extends TrainOptions {
  /** Scans and their label maps, on the same voxels. */
  scans: readonly AnnotatedScan[];
  /** Scans on which the Dice is measured after every epoch. */
  validationScans?: readonly AnnotatedScan[];
  /** A SAM or MedSAM to start from, of which the mask decoder is trained; without it a new SAM is. */
  from?: string;
  /** Train the image encoder of `from` too. */
  encoder?: boolean;
  /** Sizes of a new SAM; not with `from`. */
  sizes?: SamSizes;
  /** Organs prompted on a slice, at most. */
  prompts?: number;
  /** Standard deviation in mm of the errors of every bound of a box. */
  jitter?: number;
  onEpoch?: (epoch: TrainedSamEpoch) => void;
}

/** `learningRate` is the highest: it rises in a warm-up and falls to 0, as a cosine, at the end of the last epoch. */
export const samNumbers = {
  ...commonNumbers,
  steps: whole(1, 1e9, 1000),
  epochs: whole(1, 1e6, 20),
  batch: whole(1, 1024, 1),
  prompts: whole(1, 256, 8),
  learningRate: learningRate(1e-4),
  jitter: decimal(0, 1000, 4),
};

export const samSizeNumbers = {
  imageSize: whole(16, 8192, 256),
  patch: whole(1, 256, 8),
  width: whole(1, 8192, 128),
  depth: whole(1, 256, 4),
  heads: whole(1, 256, 4),
  mlp: whole(1, 65536, 512),
  window: whole(1, 1024, 8),
  channels: whole(16, 4096, 64),
  decoderMlp: whole(1, 65536, 512),
};

/** The default of {@link SamSizes.globalBlocks}. */
export const globalBlocks: readonly number[] = [1, 3];

/** Means over the prompts of an epoch that this run did. */
export interface TrainedSamEpoch {
  /** From 1. */
  epoch: number;
  /** 1 − soft Dice of a mask. */
  dice: number;
  crossEntropy: number;
  /** Squared error of the IoU that SAM predicts. */
  iou: number;
  slicesPerSecond: number;
  /** Mean Dice of the validation scans' organs, prompted with their boxes. */
  validationDice?: number;
  /** The same for each label, the mean over the scans. */
  labelDice?: Record<string, number>;
}

/** Dice below which the masks of a label count as empty. */
const emptyDice = 0.01;

/** The labels whose masks are empty, in rising order: a mean over all labels hardly shows them. */
export function emptyLabels(labelDice: Record<string, number>): number[] {
  return Object.entries(labelDice)
    .filter(([, dice]) => dice < emptyDice)
    .map(([label]) => Number(label))
    .sort((a, b) => a - b);
}
