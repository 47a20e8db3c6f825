/** The course of a training run: steps, epochs, checkpoints and the learning curve, whatever the network. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type CallOptions, callNative } from "../addon/call.js";
import type { TrainerHandle, TrainingStep } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { threadsOfProcess } from "../addon/threads.js";
import { AbortedError, UnavailableError, UsageError } from "../base/errors.js";
import { makeFolder } from "../formats/files.js";
import { createTrainer, type NetworkTraining } from "./create.js";
import { curveFiles, LearningCurve } from "./curve.js";
import { follow, stopPeers } from "./follow.js";
import type { TrainOptions } from "./options.js";
import { PeerProcesses } from "./peers.js";
import type { CurveRecord, Panel } from "./plot.js";

/** Files that a run leaves in its folder. */
export interface TrainedFiles {
  /** The network, which its class loads; written after every epoch. */
  model: string;
  /** Everything that `resume` needs; the network's class loads it too. */
  checkpoint: string;
  /** A line of JSON for every step and every epoch. */
  curve: string;
  /** The curve as a page of plots. TensorBoard's events are in the same folder. */
  plot: string;
  steps: number;
}

/** A step with its losses by name. */
export type NamedStep<Loss extends string> = Omit<TrainingStep, "losses"> & Record<Loss, number>;

/** The parts of a run that depend on its network. */
export interface Course<Loss extends string, Epoch extends { epoch: number }>
  extends NetworkTraining {
  /** The network's name in the curve. */
  title: string;
  /** File name of the trained network, and of a second one as torch.save writes it. */
  model: string;
  torchModel?: string;
  /** Names of the trainer's losses, in its order. */
  losses: readonly Loss[];
  /** The diagrams of the learning curve. */
  panels: readonly Panel[];
  summarize(epoch: number, steps: NamedStep<Loss>[]): Epoch;
  /** Figures that validation adds to the epoch; `model` is the file of the network after it. */
  validate(
    trainer: TrainerHandle,
    epoch: number,
    model: string,
    call: CallOptions,
  ): Promise<Partial<Epoch>>;
  onEpoch?: ((epoch: Epoch) => void) | undefined;
}

/** Steps from one line of progress, and one look at their results, to the next. */
const stepsAtOnce = 10;

/**
 * Trains to the end of the last epoch, with the other processes of the run if there are any. A checkpoint is written after
 * every epoch, and when the signal fires, before the call ends with an {@link AbortedError}; resumed, the run goes on to the
 * bit as if it had not been stopped.
 * @throws UsageError, OutputError for a folder that cannot be used, and what creating the trainer throws.
 */
export async function train<Loss extends string, Epoch extends { epoch: number }>(
  options: TrainOptions,
  course: Course<Loss, Epoch>,
): Promise<TrainedFiles> {
  const { peer, threads: all = threadsOfProcess() } = options;
  const { processes } = course.numbers;
  if (peer && processes > 1) {
    throw new UsageError(
      "Processes cannot be started by a process of a launcher (RANK and WORLD_SIZE are set): leave processes out.",
    );
  }
  makeFolder(options.folder);
  const threads = processes === 1 ? all : Math.max(1, Math.floor(all / processes));
  const others = new PeerProcesses(processes);
  try {
    return await runEpochs({ ...options, threads }, course, others);
  } catch (error) {
    throw await others.explain(error);
  } finally {
    others.close();
  }
}

async function runEpochs<Loss extends string, Epoch extends { epoch: number }>(
  options: TrainOptions,
  course: Course<Loss, Epoch>,
  others: PeerProcesses,
): Promise<TrainedFiles> {
  const { folder, resume = false, peer } = options;
  const { rank, count } = peer ?? { rank: 0, count: others.count };
  const total = course.numbers.steps * course.numbers.epochs;
  const files = {
    model: join(folder, course.model),
    checkpoint: join(folder, "checkpoint.safetensors"),
  };
  const begun = existsSync(files.checkpoint);
  if (begun && !resume) {
    throw new UsageError(`${folder} holds a run already. Resume it, or give another folder.`);
  }
  const checkpoint = begun ? files.checkpoint : undefined;
  const trainer = await createTrainer(options, course, checkpoint, others);
  try {
    if (begun) await callNative({}, (task) => native.loadTrainer(trainer, files.checkpoint, task));
    if (rank > 0) {
      await follow(trainer, total, options);
      return { ...files, ...curveFiles(folder), steps: native.trainerSteps(trainer) };
    }
    const done = native.trainerSteps(trainer);
    const curve = new LearningCurve(folder, done, `${course.title}'s training`, course.panels);
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
  const { signal, threads } = run.options;
  const { steps } = course.numbers;
  const epoch = Math.floor(native.trainerSteps(trainer) / steps) + 1;
  const save = () => callNative({}, (task) => native.saveTrainer(trainer, files.checkpoint, task));
  const done = await trainSteps(run, epoch).catch(async (error) => {
    // Another process of the run was stopped, or is lost: the steps before are whole.
    if (error instanceof AbortedError || error instanceof UnavailableError) await save();
    throw error;
  });
  await save();
  if (signal?.aborted && native.trainerSteps(trainer) < epoch * steps) {
    await curve.plot();
    throw new AbortedError(undefined, { cause: signal.reason });
  }
  await callNative({}, (task) => native.exportTrainer(trainer, files.model, task));
  let result = course.summarize(epoch, done);
  try {
    const call = { threads, signal };
    result = { ...result, ...(await course.validate(trainer, epoch, files.model, call)) };
  } finally {
    // The steps are in the checkpoint: a validation that was stopped must not take the epoch out of the curve.
    curve.add({ step: epoch * steps, ...figuresOf(result) });
    await curve.plot();
  }
  course.onEpoch?.(result);
}

/** The epoch's steps that are still to be done; fewer when the signal fires. */
async function trainSteps<Loss extends string, Epoch extends { epoch: number }>(
  { trainer, curve, options, course }: Run<Loss, Epoch>,
  epoch: number,
): Promise<NamedStep<Loss>[]> {
  const { losses } = course;
  const { steps, epochs } = course.numbers;
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

/** An epoch's figures for the curve; those of its labels under names such as "labelDice.5". */
function figuresOf(epoch: object): Record<string, number | undefined> {
  const entries = Object.entries(epoch).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? Object.entries(value).map(([part, figure]) => [`${name}.${part}`, figure])
      : [[name, value]],
  );
  return Object.fromEntries(entries) as Record<string, number | undefined>;
}

/** Mean of one figure over an epoch's steps. */
export function meanOf<Name extends string>(
  steps: readonly Record<Name, number>[],
  name: Name,
): number {
  return steps.reduce((sum, step) => sum + step[name], 0) / steps.length;
}
