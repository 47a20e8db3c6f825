/** Self-supervised training of MedLAM (algorithm.md part 8), on the torch plugin. */
import { join } from "node:path";
import { callNative } from "../addon/call.js";
import type { Precision, TrainerHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { parseDevice, probeTorch, readyTorch } from "../addon/runtimes.js";
import { threadsOfProcess } from "../addon/threads.js";
import { checkArguments } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { annotatedScans, boxErrors } from "./annotated.js";
import { trainMedLamOptions } from "./arguments.js";
import {
  type Course,
  checkTrainNumbers,
  meanOf,
  runEpochs,
  type TrainedFiles,
  type TrainOptions,
} from "./epochs.js";
import { medLamPanels } from "./panels.js";
import { alone, type PeerOfRun, PeerProcesses } from "./peers.js";
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
  /**
   * A MedLAM checkpoint whose weights to start from, with its width and patch; random ones otherwise. A training checkpoint of
   * the published code (`.tar`) brings Adam's state along.
   */
  from?: string;
  /**
   * Base width B; 24 as published, or that of `from`. A multiple of that of `from` widens it: what was learned stays, in twice
   * the channels or more (Net2Net).
   */
  width?: number;
  /** Edge of a patch in voxels, a multiple of 16 from 32 on; 64 as published, or that of `from`. */
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
  /**
   * HU from which on a voxel counts as the body, in which patches' centres and points are drawn. By default as published,
   * about −1000: where a scan's air is noisy, half of them then lie in air, from which nothing can be learned. −900 leaves
   * lungs in and air out.
   */
  foreground?: number;
  /** Scans of a step, each with two patches; 4 as published. */
  batch?: number;
  /** 1e-4 as published; × 0.8 after every 10 epochs. */
  learningRate?: number;
  precision?: Exclude<Precision, "float16">;
  /**
   * Processes that share every batch, on this machine; 1 by default. They do what one process does, up to rounding; `threads` are
   * those of all, and with the device "cuda" each has its own, from "cuda:0" on.
   */
  processes?: number;
  /** Instead: which process this one is, if a launcher starts them. All see the same files; the first writes. */
  peer?: PeerOfRun;
  /** Intensities are in 0..1 already. */
  normalized?: boolean;
  /** What voxels that are NaN or infinite are read as (HU); they are refused by default. */
  nan?: number;
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
  ...{ width: 1024, patch: 256, batch: 1024, microBatch: 1024 },
  ...{ steps: 1e9, epochs: 1e6, validateEvery: 1e6, processes: 64 },
};

/**
 * Trains a MedLAM from random weights. A checkpoint is written after every epoch, and when the signal fires, before the
 * call ends with an {@link AbortedError}; resumed, the run goes on to the bit as if it had not been stopped.
 * @throws UnavailableError without the torch plugin; UsageError if the losses are no numbers any more; InputError for a
 *   scan that cannot be used, naming it, or a checkpoint of another run.
 */
export async function trainMedLam(given: TrainMedLamOptions): Promise<TrainedMedLam> {
  checkArguments("trainMedLam", { options: [given, trainMedLamOptions] });
  checkTrainNumbers(given, largest);
  const { peer, processes = 1 } = given;
  if (peer && processes > 1) {
    throw new UsageError(
      "A process that a launcher started starts no others: leave processes out.",
    );
  }
  const { threads: all = threadsOfProcess() } = given;
  const share = processes === 1 ? all : Math.max(1, Math.floor(all / processes));
  const options = { ...given, threads: share };
  const { steps = 1000, epochs = 300, batch = 4, threads, signal } = options;
  const { validationScans = [], validationLabels = [], validateEvery = 1 } = options;
  const { uamSteps = 0 } = options;
  if (!Number.isInteger(uamSteps) || uamSteps < 0) {
    throw new UsageError(`uamSteps must be a whole number from 0 on, not ${uamSteps}.`);
  }
  const annotated = annotatedScans(validationScans, validationLabels);
  const others = new PeerProcesses(processes);
  const course: Course<"uam" | "mss", TrainedEpoch> = {
    network: "MedLAM",
    model: "medlam.safetensors",
    torchModel: "medlam.pth",
    steps,
    epochs,
    losses: ["uam", "mss"],
    panels: medLamPanels,
    peers: { rank: peer?.rank ?? 0, count: peer?.count ?? processes },
    createTrainer: (checkpoint) => createTrainer(options, checkpoint, others),
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
      if (annotated.length === 0 || !due) return found;
      const { device, normalized, nan, onProgress } = options;
      const how = { threads, signal, device, normalized, nan, onProgress };
      return { ...found, ...(await boxErrors(model, annotated, how)) };
    },
    onEpoch: options.onEpoch,
  };
  try {
    return await runEpochs(options, course);
  } catch (error) {
    throw await others.explain(error);
  } finally {
    others.close();
  }
}

async function createTrainer(
  options: TrainMedLamOptions,
  checkpoint: string | undefined,
  others: PeerProcesses,
): Promise<TrainerHandle> {
  const plugin = await readyTorch();
  const { threads = 1, signal, normalized, nan, onProgress, peer } = options;
  const device = parseDevice(options.device ?? "cpu");
  const prepare: PrepareOptions = { threads, signal, normalized, nan, onProgress, peer };
  const cache = options.cache ?? join(options.folder, "scans");
  const scans = await prepareScans(options.scans, cache, prepare);
  const validationScans = await prepareScans(options.validationScans ?? [], cache, prepare);
  // What goes on has the checkpoint's sizes.
  const from = checkpoint ?? options.from;
  const trainer = {
    scans,
    validationScans,
    width: options.width ?? (from === undefined ? 24 : 0),
    patch: options.patch ?? (from === undefined ? 64 : 0),
    batch: options.batch ?? 4,
    microBatch: options.microBatch ?? 0,
    epochSteps: options.steps ?? 1000,
    uamSteps: options.uamSteps ?? 0,
    foreground: options.foreground ?? Number.NaN,
    from: from ?? "",
    seed: options.seed ?? 0,
    learningRate: options.learningRate ?? 1e-4,
    precision: options.precision ?? "float32",
    loaders: options.loaders ?? 1,
  };
  const deviceOf = (rank: number) => (device === "cuda" ? `cuda:${rank}` : device);
  if (others.count > 1) {
    await requireDevices(plugin, device, others.count);
    const steps = trainer.epochSteps * (options.epochs ?? 300);
    const job = { plugin, trainer, checkpoint: checkpoint ?? "", steps, threads };
    const peers = await others.start(job, deviceOf);
    return callNative(options, (task) =>
      native.createTrainer(plugin, { ...trainer, device: deviceOf(0), peers }, task),
    );
  }
  const peers = peer ? { ...peer, file: "" } : alone;
  const own = { ...trainer, device: peer ? deviceOf(peer.localRank) : device, peers };
  return callNative(options, (task) => native.createTrainer(plugin, own, task));
}

/** A process that has no device would leave the others waiting for it. */
async function requireDevices(plugin: string, device: string, count: number): Promise<void> {
  const cudaDevices = (await probeTorch(plugin)).devices.length - 1;
  if (device === "cuda" && cudaDevices < count) {
    throw new UsageError(
      `${count} processes need ${count} CUDA devices; this machine has ${cudaDevices}.`,
    );
  }
}
