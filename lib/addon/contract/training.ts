/** Training (part 8). */
import type { GridHandle, TrainerHandle, VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

/** The result of one step of training. */
export interface TrainingStep {
  /** Steps done, this one included. */
  step: number;
  /** MedLAM: mean squared error of UAM in mm², MSS. SAM: Dice loss, cross-entropy, squared error of the predicted IoU. */
  losses: number[];
  /** The gradient's norm before clipping. */
  gradient: number;
  learningRate: number;
  /** The part of `seconds` that the network waited for its batch. */
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
  /** `options`: JSON, {"medlam": {…}} or {"sam": {…}}; every option that native/torch/training knows must be there. */
  createTrainer(plugin: string, options: string, task: Task): Promise<TrainerHandle>;
  /** Up to `steps` steps; fewer if it is cancelled, which does not reject: what was done stays done. */
  trainSteps(trainer: TrainerHandle, steps: number, task: Task): Promise<TrainingStep[]>;
  /**
   * On the validation scans, always the same: root mean square error of UAM in mm over `count` pairs of patches, or
   * SAM's mean Dice over `count` slices of each scan.
   */
  validateTrainer(
    trainer: TrainerHandle,
    count: number,
    task: Task,
  ): Promise<{ figure: number; labels: Record<string, number> }>;
  saveTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  loadTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  exportTrainer(trainer: TrainerHandle, path: string, task: Task): Promise<void>;
  trainerSteps(trainer: TrainerHandle): number;
}
