/** Self-supervised training of MedLAM (algorithm.md part 8), on the torch plugin. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AbortedError, UsageError } from "../errors.js";
import { type CallOptions, callNative, type Progress } from "../native/call.js";
import type { Precision, TrainerHandle, TrainingStep } from "../native/contract.js";
import { native } from "../native/loader.js";
import { readyTorch } from "../native/runtime.js";
import { type AnnotatedScan, annotatedScans, boxErrors } from "./annotated.js";
import { LearningCurve } from "./curve.js";
import { medLamPanels } from "./medlam-curve.js";
import { type PrepareOptions, prepareScans } from "./scans.js";

export interface TrainMedLamOptions extends CallOptions {
  /** Paths of CT scans: .nii or .nii.gz. */
  scans: string[];
  /** Scans that the error in mm is measured on after every epoch. */
  validationScans?: string[];
  /** Label maps of `validationScans`, in their order: boxes are localized and compared while training. */
  validationLabels?: string[];
  /** Epochs from one comparison of boxes to the next; 1 by default. */
  validateEvery?: number;
  /** Where the checkpoint, the model and the learning curve go: a folder that exists. */
  folder: string;
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
  /** 0 by default. */
  seed?: number;
  /** 1e-4 as published; × 0.8 after every 10 epochs. */
  learningRate?: number;
  device?: string;
  precision?: Exclude<Precision, "float16">;
  /** Go on from `folder`'s checkpoint. Without it a folder that has one is refused. */
  resume?: boolean;
  /** Intensities are in 0..1 already. */
  normalized?: boolean;
  onProgress?: (progress: Progress) => void;
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

/** What a run leaves in its folder. */
export interface TrainedMedLam {
  /** The network, which {@link MedLam.load} reads; written after every epoch. */
  model: string;
  /** Everything that `resume` needs; {@link MedLam.load} reads it as well. */
  checkpoint: string;
  /** A line of JSON for every step and every epoch. */
  curve: string;
  /** The curve, plotted: HTML. */
  plot: string;
  steps: number;
}

/** Steps between two lines of progress and two looks at what they did. */
const stepsAtOnce = 10;
const validationPairs = 50;

/**
 * Trains a MedLAM from random weights. A checkpoint is written after every epoch, and when the signal fires, before the
 * call ends with an {@link AbortedError}; resumed, the run goes on to the bit as if it had not been stopped.
 * @throws UnavailableError without the torch plugin; UsageError if the losses are no numbers any more; InputError for a
 *   scan that cannot be used, naming it, or a checkpoint of another run.
 */
export async function trainMedLam(options: TrainMedLamOptions): Promise<TrainedMedLam> {
  const { folder, steps = 1000, epochs = 300 } = options;
  checkNumbers(options);
  const annotated = annotatedScans(options.validationScans ?? [], options.validationLabels ?? []);
  const files = {
    model: join(folder, "medlam.safetensors"),
    checkpoint: join(folder, "checkpoint.safetensors"),
  };
  const begun = existsSync(files.checkpoint);
  if (begun && !options.resume) {
    throw new UsageError(`${folder} holds a run already. Resume it, or give another folder.`);
  }
  const trainer = await createTrainer(options);
  try {
    if (begun) await callNative({}, (task) => native.loadTrainer(trainer, files.checkpoint, task));
    const curve = new LearningCurve(
      folder,
      native.trainerSteps(trainer),
      "MedLAM's training",
      medLamPanels,
    );
    const run: Run = { trainer, options, files, annotated, curve };
    while (native.trainerSteps(trainer) < steps * epochs) await trainEpoch(run);
    await exportModel(run);
    return { ...files, curve: curve.path, plot: curve.page, steps: native.trainerSteps(trainer) };
  } finally {
    native.release(trainer);
  }
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

interface Run {
  trainer: TrainerHandle;
  options: TrainMedLamOptions;
  files: { model: string; checkpoint: string };
  annotated: AnnotatedScan[];
  curve: LearningCurve;
}

/** Steps up to the end of the epoch that the trainer is in, then checkpoint and validation. */
async function trainEpoch(run: Run): Promise<void> {
  const { trainer, curve, files, options } = run;
  const { steps = 1000, epochs = 300, batch = 4, threads, signal } = options;
  const epoch = Math.floor(native.trainerSteps(trainer) / steps) + 1;
  const done: TrainingStep[] = [];
  const report = (now: number) =>
    options.onProgress?.({ step: `epoch ${epoch} of ${epochs}`, done: now, total: steps });
  while (!signal?.aborted && native.trainerSteps(trainer) < epoch * steps) {
    const before = native.trainerSteps(trainer) - (epoch - 1) * steps;
    report(before);
    const some = await callNative(
      { threads, signal },
      (task) => native.trainSteps(trainer, Math.min(stepsAtOnce, steps - before), task),
      (now) => report(before + now),
    );
    curve.add(...some.map((step) => ({ ...step })));
    done.push(...some);
  }
  await callNative({}, (task) => native.saveTrainer(trainer, files.checkpoint, task));
  if (signal?.aborted && native.trainerSteps(trainer) < epoch * steps) {
    await curve.plot();
    throw new AbortedError(undefined, { cause: signal.reason });
  }
  const result = summarize(epoch, done, batch);
  try {
    await validate(run, result);
  } finally {
    curve.add({ step: epoch * steps, ...result });
    await curve.plot();
  }
  options.onEpoch?.(result);
}

async function exportModel({ trainer, files }: Run): Promise<void> {
  await callNative({}, (task) => native.exportTrainer(trainer, files.model, task));
}

/** Adds what the scans that are not trained on say. */
async function validate(run: Run, result: TrainedEpoch): Promise<void> {
  const { trainer, files, annotated, options } = run;
  const { threads, signal, epochs = 300, validateEvery = 1, validationScans = [] } = options;
  await exportModel(run);
  if (validationScans.length > 0) {
    result.validationMm = await callNative({ threads, signal }, (task) =>
      native.validateTrainer(trainer, validationPairs, task),
    );
  }
  const due = result.epoch % validateEvery === 0 || result.epoch === epochs;
  if (annotated.length === 0 || !due) return;
  const { iou, wdMm } = await boxErrors(files.model, annotated, options);
  if (iou !== null) result.iou = iou;
  if (wdMm !== null) result.wdMm = wdMm;
}

function summarize(epoch: number, steps: TrainingStep[], batch: number): TrainedEpoch {
  const mean = (of: (step: TrainingStep) => number) =>
    steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
  // Two patches of every scan, each clean and augmented.
  const patchesPerSecond = (4 * batch) / mean((step) => step.seconds);
  return { epoch, uam: mean((step) => step.uam), mss: mean((step) => step.mss), patchesPerSecond };
}

function checkNumbers(options: TrainMedLamOptions): void {
  const whole = {
    width: 1024,
    patch: 256,
    steps: 1e9,
    epochs: 1e6,
    batch: 1024,
    validateEvery: 1e6,
  };
  for (const [name, most] of Object.entries(whole)) {
    const value = options[name as keyof typeof whole] ?? 1;
    if (!Number.isInteger(value) || value < 1 || value > most) {
      throw new UsageError(`${name} must be a whole number from 1 to ${most}, not ${value}.`);
    }
  }
  const { seed = 0, learningRate = 1e-4, uamSteps = 0 } = options;
  if (!Number.isInteger(uamSteps) || uamSteps < 0) {
    throw new UsageError(`uamSteps must be a whole number from 0 on, not ${uamSteps}.`);
  }
  if (!Number.isInteger(seed) || seed < 0 || seed > 2 ** 32 - 1) {
    throw new UsageError(`seed must be a whole number from 0 to 4294967295, not ${seed}.`);
  }
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new UsageError(`learningRate must be a positive number, not ${learningRate}.`);
  }
}
