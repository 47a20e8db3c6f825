/** Training of SAM on annotated scans, on the torch plugin. */
import { join } from "node:path";
import { callNative } from "../addon/call.js";
import type { Precision, TrainerHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { parseDevice, readyTorch } from "../addon/runtimes.js";
import { checkArguments } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { trainSamOptions } from "./arguments.js";
import {
  checkTrainNumbers,
  meanOf,
  runEpochs,
  type TrainedFiles,
  type TrainOptions,
} from "./epochs.js";
import { samPanels } from "./panels.js";
import { type AnnotatedScan, type PrepareOptions, prepareAnnotatedScans } from "./scans.js";

/** Sizes of a new SAM. */
export interface SamSizes {
  /** Edge of a slice as SAM sees it, in pixels; 256 by default. */
  imageSize?: number;
  /** Edge of a patch in pixels; 8 by default. Masks have 4 values along each. */
  patch?: number;
  /** Of the image encoder; 128, 4 blocks, 4 heads and 512 hidden units by default. */
  width?: number;
  depth?: number;
  heads?: number;
  mlp?: number;
  /** Edge of what a block of the encoder sees, in patches; 8 by default. */
  window?: number;
  /** Blocks that see the whole slice, from 0; 1 and 3 by default. */
  globalBlocks?: readonly number[];
  /** Of the embedding, a multiple of 16; 64 by default. */
  channels?: number;
  /** Hidden units of the mask decoder; 512 by default. */
  decoderMlp?: number;
}

export interface TrainSamOptions extends TrainOptions {
  /** Scans and their label maps, on the same voxels. */
  scans: readonly AnnotatedScan[];
  /** Scans that the Dice is measured on after every epoch. */
  validationScans?: readonly AnnotatedScan[];
  /** Where the prepared slices are kept; `folder`/scans by default. */
  cache?: string;
  /** A SAM or MedSAM to go on from, of which the mask decoder is trained; without it a new one is. */
  from?: string;
  /** What voxels that are NaN or infinite are read as (HU); they stay by default, darkest of all. */
  nan?: number;
  /** Train the image encoder of `from` too. */
  encoder?: boolean;
  /** Of a new SAM. */
  sizes?: SamSizes;
  /** Steps of an epoch; 1000 by default. */
  steps?: number;
  /** 20 by default. They settle how the learning rate falls. */
  epochs?: number;
  /** Slices of a step; 1 by default. */
  batch?: number;
  /** Organs prompted on a slice, at most; 8 by default. */
  prompts?: number;
  /** 1e-4 by default; after a warm-up it falls to 0 as a cosine. */
  learningRate?: number;
  /** Standard deviation in mm by which every bound of a box errs; 4 by default. */
  jitter?: number;
  precision?: Exclude<Precision, "float16">;
  onEpoch?: (epoch: TrainedSamEpoch) => void;
}

/** Means over the prompts of an epoch that this run did. */
export interface TrainedSamEpoch {
  /** From 1. */
  epoch: number;
  /** 1 − soft Dice of a mask. */
  dice: number;
  crossEntropy: number;
  /** Squared error of the IoU that SAM expects. */
  iou: number;
  slicesPerSecond: number;
  /** Mean Dice of the validation scans' organs, prompted with their boxes. */
  validationDice?: number;
}

/** What a run leaves in its folder; {@link Sam.load} reads model and checkpoint. */
export type TrainedSam = TrainedFiles;

const validationSlices = 24;
const largest = { steps: 1e9, epochs: 1e6, batch: 1024, microBatch: 1024, prompts: 256 };
const largestSizes = {
  ...{ imageSize: 8192, patch: 256, width: 8192, depth: 256, heads: 256, mlp: 65536 },
  ...{ window: 1024, channels: 4096, decoderMlp: 65536 },
};

/**
 * Trains a SAM: the mask decoder of a published one, all of it, or a new one from random weights. Checkpoints and
 * resuming are as for {@link trainMedLam}.
 * @throws UnavailableError without the torch plugin; UsageError if the losses are no numbers any more; InputError for a
 *   scan or label map that cannot be used, naming it, a checkpoint that is no SAM or of another run.
 */
export async function trainSam(options: TrainSamOptions): Promise<TrainedSam> {
  checkArguments("trainSam", { options: [options, trainSamOptions] });
  const { steps = 1000, epochs = 20, batch = 1, threads, validationScans = [] } = options;
  checkOptions(options);
  return runEpochs(options, {
    network: "SAM",
    model: "sam.safetensors",
    steps,
    epochs,
    losses: ["dice", "crossEntropy", "iou"],
    panels: samPanels,
    createTrainer: () => createTrainer(options),
    summarize: (epoch, done): TrainedSamEpoch => ({
      epoch,
      dice: meanOf(done, "dice"),
      crossEntropy: meanOf(done, "crossEntropy"),
      iou: meanOf(done, "iou"),
      slicesPerSecond: batch / meanOf(done, "seconds"),
    }),
    async validate(trainer) {
      if (validationScans.length === 0) return {};
      const validationDice = await callNative({ threads }, (task) =>
        native.validateTrainer(trainer, validationSlices, task),
      );
      return { validationDice };
    },
    onEpoch: options.onEpoch,
  });
}

async function createTrainer(options: TrainSamOptions): Promise<TrainerHandle> {
  const plugin = await readyTorch();
  const { threads, signal, nan, onProgress, sizes = {} } = options;
  const prepare: PrepareOptions = { threads, signal, nan, onProgress };
  const cache = options.cache ?? join(options.folder, "scans");
  const scans = await prepareAnnotatedScans(options.scans, cache, prepare);
  const validationScans = await prepareAnnotatedScans(
    options.validationScans ?? [],
    cache,
    prepare,
  );
  return callNative(options, (task) =>
    native.createSamTrainer(
      plugin,
      {
        scans,
        validationScans,
        from: options.from ?? "",
        encoder: options.encoder ?? false,
        imageSize: sizes.imageSize ?? 256,
        patch: sizes.patch ?? 8,
        width: sizes.width ?? 128,
        depth: sizes.depth ?? 4,
        heads: sizes.heads ?? 4,
        mlp: sizes.mlp ?? 512,
        window: sizes.window ?? 8,
        globalBlocks: Int32Array.from(sizes.globalBlocks ?? [1, 3]),
        channels: sizes.channels ?? 64,
        decoderMlp: sizes.decoderMlp ?? 512,
        batch: options.batch ?? 1,
        microBatch: options.microBatch ?? 0,
        prompts: options.prompts ?? 8,
        epochSteps: options.steps ?? 1000,
        epochs: options.epochs ?? 20,
        seed: options.seed ?? 0,
        learningRate: options.learningRate ?? 1e-4,
        jitter: options.jitter ?? 4,
        device: parseDevice(options.device ?? "cpu"),
        precision: options.precision ?? "float32",
        loaders: options.loaders ?? 1,
      },
      task,
    ),
  );
}

function checkOptions(options: TrainSamOptions): void {
  const { from, encoder, sizes = {}, jitter = 4 } = options;
  checkTrainNumbers(options, largest);
  checkTrainNumbers(sizes, largestSizes);
  if (!(jitter >= 0 && Number.isFinite(jitter))) {
    throw new UsageError(`jitter must be a number of mm from 0 on, not ${jitter}.`);
  }
  if (from !== undefined && Object.values(sizes).some((size) => size !== undefined)) {
    throw new UsageError("A SAM to go on from has its sizes: sizes are for a new one.");
  }
  if (from === undefined && encoder) {
    throw new UsageError(
      "A new SAM is trained whole; to train an encoder further, say from which checkpoint.",
    );
  }
}
