/** Training (part 8). */
import type { GridHandle, TrainerHandle, VolumeHandle } from "./handles.js";
import type { Precision } from "./runtimes.js";
import type { Task } from "./task.js";

/** Of either network's training. */
interface CommonTrainerOptions {
  scans: string[];
  validationScans: string[];
  width: number;
  patch: number;
  batch: number;
  /** Of the batch, how many are computed at once; 0: one on a CPU, all on a GPU. */
  microBatch: number;
  epochSteps: number;
  /** A checkpoint; "": a new network. */
  from: string;
  seed: number;
  learningRate: number;
  device: string;
  precision: Precision;
  /** Threads that make batches; 0: made between the steps. */
  loaders: number;
}

/** Scans are files of writeTrainingScan. */
export interface TrainerOptions extends CommonTrainerOptions {
  uamSteps: number;
  /** HU; NaN: as published. */
  foreground: number;
  peers: Peers;
}

/** Which of a training run's processes this one is, and where they meet. */
export interface Peers {
  /** From 0. */
  rank: number;
  count: number;
  /** A file, for processes of one machine; */
  file: string;
  /** or where it is "", a port that process 0 opens. */
  host: string;
  port: number;
}

/** Scans are files of writeAnnotatedScan. */
export interface SamTrainerOptions extends CommonTrainerOptions {
  /** Of a new network, as width and patch are: */
  imageSize: number;
  depth: number;
  heads: number;
  mlp: number;
  window: number;
  globalBlocks: Int32Array;
  channels: number;
  decoderMlp: number;
  encoder: boolean;
  prompts: number;
  epochs: number;
  /** mm */
  jitter: number;
}

/** What one step of training did. */
export interface TrainingStep {
  /** Steps done, this one included. */
  step: number;
  /** MedLAM: mean squared error of UAM in mm², MSS. SAM: Dice loss, cross-entropy, squared error of the predicted IoU. */
  losses: number[];
  /** The gradient's norm before clipping. */
  gradient: number;
  learningRate: number;
  /** Of `seconds`, how many the network waited for its batch. */
  waitSeconds: number;
  seconds: number;
}

export interface TrainingAddon {
  /** Writes the grid without its padding as float16, for training. */
  writeTrainingScan(grid: GridHandle, path: string, task: Task): Promise<void>;
  /** Writes the slices that show an organ, and their labels, for training; both volumes have the same geometry. */
  writeAnnotatedScan(
    image: VolumeHandle,
    labels: VolumeHandle,
    path: string,
    task: Task,
  ): Promise<void>;
  createTrainer(plugin: string, options: TrainerOptions, task: Task): Promise<TrainerHandle>;
  createSamTrainer(plugin: string, options: SamTrainerOptions, task: Task): Promise<TrainerHandle>;
  /** Up to `steps` steps; fewer if it is cancelled, which does not reject: what was done stays done. */
  trainSteps(trainer: TrainerHandle, steps: number, task: Task): Promise<TrainingStep[]>;
  /**
   * On the validation scans, always the same: root mean square error of UAM in mm over `count` pairs of patches, or
   * SAM's mean Dice over `count` slices of each scan.
   */
  validateTrainer(trainer: TrainerHandle, count: number, task: Task): Promise<number>;
  saveTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  loadTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  exportTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  trainerSteps(trainer: TrainerHandle): number;
}
