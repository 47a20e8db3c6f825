/** The course of a training run: steps, epochs, checkpoints and the learning curve, whatever the network. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CallOptions, callNative, type Progress } from "../addon/call.js";
import type { TrainerHandle, TrainingStep } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { AbortedError, UnavailableError, UsageError } from "../base/errors.js";
import { curveFiles, LearningCurve } from "./curve.js";
import { follow, stopPeers } from "./follow.js";
import type { CurveRecord, Panel } from "./plot.js";

/** Options of every training run. */
export interface TrainOptions extends CallOptions {
  /** Where the checkpoint, the model and the learning curve go: a folder that exists. */
  folder: string;
  /** 0 by default. */
  seed?: number;
  /** "cpu" by default, "cuda" or "cuda:N". */
  device?: string;
  /**
   * Scans or slices of a step that are computed at once, and whose memory is needed at once; by default one on a CPU, all on a
   * GPU, which is hardly faster with one. The sum is the same, up to rounding.
   */
  microBatch?: number;
  /** Threads that make batches ahead of the network, 1 by default; 0: batches are made between the steps. */
  loaders?: number;
  /** Go on from `folder`'s checkpoint. Without it a folder that has one is refused. */
  resume?: boolean;
  onProgress?: (progress: Progress) => void;
}

/** What a run leaves in its folder. */
export interface TrainedFiles {
  /** The network, which its class loads; written after every epoch. */
  model: string;
  /** Everything that `resume` needs; the network's class loads it as well. */
  checkpoint: string;
  /** A line of JSON for every step and every epoch. */
  curve: string;
  /** The curve, plotted: HTML. Beside it are TensorBoard's events. */
  plot: string;
  steps: number;
}

/** A step with its losses by name. */
export type NamedStep<Loss extends string> = Omit<TrainingStep, "losses"> & Record<Loss, number>;

/** What one network's training has of its own. */
export interface Course<Loss extends string, Epoch extends { epoch: number }> {
  /** What the network is called. */
  network: string;
  /** File name of the trained network, and of one as torch.save writes it, if that is wanted when all is done. */
  model: string;
  torchModel?: string;
  /** Steps of an epoch. */
  steps: number;
  epochs: number;
  /** The trainer's losses, in its order. */
  losses: readonly Loss[];
  /** How the curve is drawn. */
  panels: readonly Panel[];
  /** `checkpoint`: of the run that goes on; undefined for a new one. */
  createTrainer(checkpoint: string | undefined): Promise<TrainerHandle>;
  /** Which of the processes that train together this one is; the first writes the files. */
  peers?: { rank: number; count: number };
  summarize(epoch: number, steps: NamedStep<Loss>[]): Epoch;
  /** What validation adds to the epoch; `model` is the file of the network as it is after it. */
  validate(trainer: TrainerHandle, epoch: number, model: string): Promise<Partial<Epoch>>;
  onEpoch?: (epoch: Epoch) => void;
}

/** Steps between two lines of progress and two looks at what they did. */
const stepsAtOnce = 10;

/**
 * Trains to the end of the last epoch. A checkpoint is written after every epoch, and when the signal fires, before the
 * call ends with an {@link AbortedError}; resumed, the run goes on to the bit as if it had not been stopped.
 */
export async function runEpochs<Loss extends string, Epoch extends { epoch: number }>(
  options: TrainOptions,
  course: Course<Loss, Epoch>,
): Promise<TrainedFiles> {
  const { folder, resume = false } = options;
  const { rank, count } = course.peers ?? { rank: 0, count: 1 };
  const total = course.steps * course.epochs;
  const files = {
    model: join(folder, course.model),
    checkpoint: join(folder, "checkpoint.safetensors"),
  };
  const begun = existsSync(files.checkpoint);
  if (begun && !resume) {
    throw new UsageError(`${folder} holds a run already. Resume it, or give another folder.`);
  }
  const trainer = await course.createTrainer(begun ? files.checkpoint : undefined);
  try {
    if (begun) await callNative({}, (task) => native.loadTrainer(trainer, files.checkpoint, task));
    if (rank > 0) {
      await follow(trainer, total, options);
      return { ...files, ...curveFiles(folder), steps: native.trainerSteps(trainer) };
    }
    const done = native.trainerSteps(trainer);
    const curve = new LearningCurve(folder, done, `${course.network}'s training`, course.panels);
    while (native.trainerSteps(trainer) < total) {
      await trainEpoch({ trainer, curve, files, options, course });
    }
    for (const file of [course.model, course.torchModel ?? []].flat()) {
      await callNative({}, (task) => native.exportTrainer(trainer, join(folder, file), task));
    }
    return { ...files, ...curveFiles(folder), steps: native.trainerSteps(trainer) };
  } finally {
    if (count > 1 && rank === 0 && native.trainerSteps(trainer) < total) await stopPeers(trainer);
    native.release(trainer);
  }
}

interface Run<Loss extends string, Epoch extends { epoch: number }> {
  trainer: TrainerHandle;
  curve: LearningCurve;
  files: Pick<TrainedFiles, "model" | "checkpoint">;
  options: TrainOptions;
  course: Course<Loss, Epoch>;
}

/** Steps up to the end of the epoch that the trainer is in, then checkpoint and validation. */
async function trainEpoch<Loss extends string, Epoch extends { epoch: number }>(
  run: Run<Loss, Epoch>,
): Promise<void> {
  const { trainer, curve, files, course } = run;
  const { signal } = run.options;
  const epoch = Math.floor(native.trainerSteps(trainer) / course.steps) + 1;
  const save = () => callNative({}, (task) => native.saveTrainer(trainer, files.checkpoint, task));
  const done = await trainSteps(run, epoch).catch(async (error) => {
    // Another process of the run was stopped, or is lost: the steps before are whole.
    if (error instanceof AbortedError || error instanceof UnavailableError) await save();
    throw error;
  });
  await save();
  if (signal?.aborted && native.trainerSteps(trainer) < epoch * course.steps) {
    await curve.plot();
    throw new AbortedError(undefined, { cause: signal.reason });
  }
  await callNative({}, (task) => native.exportTrainer(trainer, files.model, task));
  let result = course.summarize(epoch, done);
  try {
    result = { ...result, ...(await course.validate(trainer, epoch, files.model)) };
  } finally {
    // The steps are in the checkpoint: a validation that was stopped must not take the epoch out of the curve.
    curve.add({ step: epoch * course.steps, ...result } as CurveRecord);
    await curve.plot();
  }
  course.onEpoch?.(result);
}

/** The epoch's steps that are still to be done; fewer when the signal fires. */
async function trainSteps<Loss extends string, Epoch extends { epoch: number }>(
  { trainer, curve, options, course }: Run<Loss, Epoch>,
  epoch: number,
): Promise<NamedStep<Loss>[]> {
  const { steps, epochs, losses } = course;
  const { threads, signal, onProgress } = options;
  const done: NamedStep<Loss>[] = [];
  const report = (now: number) =>
    onProgress?.({
      phase: "epoch",
      done: now,
      total: steps,
      item: { index: epoch - 1, count: epochs },
    });
  while (!signal?.aborted && native.trainerSteps(trainer) < epoch * steps) {
    const before = native.trainerSteps(trainer) - (epoch - 1) * steps;
    report(before);
    const some = await callNative(
      { threads, signal },
      (task) => native.trainSteps(trainer, Math.min(stepsAtOnce, steps - before), task),
      (now) => report(before + now),
    );
    const named = some.map((step) => nameLosses(step, losses));
    curve.add(...(named as (NamedStep<Loss> & CurveRecord)[]));
    done.push(...named);
  }
  return done;
}

function nameLosses<Loss extends string>(
  { step, losses, ...rest }: TrainingStep,
  names: readonly Loss[],
): NamedStep<Loss> {
  const named = Object.fromEntries(names.map((name, i) => [name, losses[i]]));
  return { step, ...(named as Record<Loss, number>), ...rest } as NamedStep<Loss>;
}

/** Of what the steps of an epoch have under this name. */
export function meanOf<Name extends string>(
  steps: readonly Record<Name, number>[],
  name: Name,
): number {
  return steps.reduce((sum, step) => sum + step[name], 0) / steps.length;
}

/** @throws UsageError for what is not a whole number from 1 to `most`, a seed or a learning rate. */
export function checkTrainNumbers<Name extends string>(
  options: { [name in NoInfer<Name>]?: number } & {
    seed?: number;
    learningRate?: number;
    loaders?: number;
  },
  most: Readonly<Record<Name, number>>,
): void {
  for (const name of Object.keys(most) as Name[]) {
    const value: number = options[name] ?? 1;
    if (!Number.isInteger(value) || value < 1 || value > most[name]) {
      throw new UsageError(`${name} must be a whole number from 1 to ${most[name]}, not ${value}.`);
    }
  }
  const { seed = 0, learningRate = 1e-4, loaders = 1 } = options;
  if (!Number.isInteger(loaders) || loaders < 0 || loaders > 256) {
    throw new UsageError(`loaders must be a whole number from 0 to 256, not ${loaders}.`);
  }
  if (!Number.isInteger(seed) || seed < 0 || seed > 2 ** 32 - 1) {
    throw new UsageError(`seed must be a whole number from 0 to 4294967295, not ${seed}.`);
  }
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new UsageError(`learningRate must be a positive number, not ${learningRate}.`);
  }
}
