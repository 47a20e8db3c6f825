/** Self-supervised training of MedLAM (algorithm.md part 8), on the torch plugin. */
import { join } from "node:path";
import { UsageError } from "../errors.js";
import { callNative } from "../native/call.js";
import type { Precision, TrainerHandle } from "../native/contract.js";
import { native } from "../native/loader.js";
import { readyTorch } from "../native/runtime.js";
import { annotatedScans, boxErrors } from "./annotated.js";
import {
  checkTrainNumbers,
  meanOf,
  runEpochs,
  type TrainedFiles,
  type TrainOptions,
} from "./epochs.js";
import { medLamPanels } from "./panels.js";
import { type PrepareOptions, prepareScans } from "./scans.js";

export interface TrainMedLamOptions extends TrainOptions {
  /** Paths of CT scans: .nii or .nii.gz. */
  scans: string[];
  /** Scans that the error in mm is measured on after every epoch. */
  validationScans?: string[];
  /** Label maps of `validationScans`, in their order: boxes are localized and compared while training. */
  validationLabels?: string[];
  /** Epochs from one comparison of boxes to the next; 1 by default. */
  validateEvery?: number;
  /** Where the prepared grids are kept; `folder`/scans by default. */
  cache?: string;
  /** A MedLAM checkpoint of the same width and patch whose weights to start from; random ones otherwise. */
  from?: string;
  /** Base width B; 24 as published. */
  width?: number;
  /** Edge of a patch in voxels, a multiple of 16 from 32 on; 64 as published. */
  patch?: number;
  /** Steps of an epoch; 1000 as published. */
  steps?: number;
  /** 300 as published. */
  epochs?: number;
  /**
   * Steps at the beginning that train UAM alone, which needs a tenth of a whole step's time. 0 as published; for short
   * trainings of small networks.
   */
  uamSteps?: number;
  /** Scans of a step, each with two patches; 4 as published. */
  batch?: number;
  /** 1e-4 as published; × 0.8 after every 10 epochs. */
  learningRate?: number;
  precision?: Exclude<Precision, "float16">;
  /** Intensities are in 0..1 already. */
  normalized?: boolean;
  onEpoch?: (epoch: TrainedEpoch) => void;
}

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
}

/** What a run leaves in its folder; {@link MedLam.load} reads model and checkpoint. */
export type TrainedMedLam = TrainedFiles;

const validationPairs = 50;
const largest = {
  ...{ width: 1024, patch: 256, batch: 1024 },
  ...{ steps: 1e9, epochs: 1e6, validateEvery: 1e6 },
};

/**
 * Trains a MedLAM from random weights. A checkpoint is written after every epoch, and when the signal fires, before the
 * call ends with an {@link AbortedError}; resumed, the run goes on to the bit as if it had not been stopped.
 * @throws UnavailableError without the torch plugin; UsageError if the losses are no numbers any more; InputError for a
 *   scan that cannot be used, naming it, or a checkpoint of another run.
 */
export async function trainMedLam(options: TrainMedLamOptions): Promise<TrainedMedLam> {
  const { steps = 1000, epochs = 300, batch = 4, threads, signal } = options;
  const { validationScans = [], validationLabels = [], validateEvery = 1 } = options;
  checkTrainNumbers(options, largest);
  const { uamSteps = 0 } = options;
  if (!Number.isInteger(uamSteps) || uamSteps < 0) {
    throw new UsageError(`uamSteps must be a whole number from 0 on, not ${uamSteps}.`);
  }
  const annotated = annotatedScans(validationScans, validationLabels);
  return runEpochs(options, {
    network: "MedLAM",
    model: "medlam.safetensors",
    steps,
    epochs,
    losses: ["uam", "mss"],
    panels: medLamPanels,
    createTrainer: () => createTrainer(options),
    summarize: (epoch, done): TrainedEpoch => ({
      epoch,
      uam: meanOf(done, "uam"),
      mss: meanOf(done, "mss"),
      // Two patches of every scan, each clean and augmented.
      patchesPerSecond: (4 * batch) / meanOf(done, "seconds"),
    }),
    async validate(trainer, epoch, model) {
      const found: Partial<TrainedEpoch> = {};
      if (validationScans.length > 0) {
        found.validationMm = await callNative({ threads, signal }, (task) =>
          native.validateTrainer(trainer, validationPairs, task),
        );
      }
      const due = epoch % validateEvery === 0 || epoch === epochs;
      return annotated.length > 0 && due
        ? { ...found, ...(await boxErrors(model, annotated, options)) }
        : found;
    },
    onEpoch: options.onEpoch,
  });
}

async function createTrainer(options: TrainMedLamOptions): Promise<TrainerHandle> {
  const plugin = await readyTorch();
  const { threads, signal, normalized, onProgress } = options;
  const prepare: PrepareOptions = { threads, signal, normalized, onProgress };
  const cache = options.cache ?? join(options.folder, "scans");
  const scans = await prepareScans(options.scans, cache, prepare);
  const validationScans = await prepareScans(options.validationScans ?? [], cache, prepare);
  return callNative(options, (task) =>
    native.createTrainer(
      plugin,
      {
        scans,
        validationScans,
        width: options.width ?? 24,
        patch: options.patch ?? 64,
        batch: options.batch ?? 4,
        epochSteps: options.steps ?? 1000,
        uamSteps: options.uamSteps ?? 0,
        from: options.from ?? "",
        seed: options.seed ?? 0,
        learningRate: options.learningRate ?? 1e-4,
        device: options.device ?? "cpu",
        precision: options.precision ?? "float32",
      },
      task,
    ),
  );
}
