/** The course of a training run: steps, epochs, checkpoints and the learning curve, whatever the network. */
import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { AbortedError, OutputError, UsageError } from "../errors.js";
import { type CallOptions, callNative, type Progress } from "../native/call.js";
import type { TrainerHandle, TrainingStep } from "../native/contract.js";
import { native } from "../native/loader.js";

/** Options of every training run. */
export interface TrainOptions extends CallOptions {
  /** Where the checkpoint, the model and the learning curve go: a folder that exists. */
  folder: string;
  /** 0 by default. */
  seed?: number;
  /** "cpu" by default, "cuda" or "cuda:N". */
  device?: string;
  /** Go on from `folder`'s checkpoint. Without it a folder that has one is refused. */
  resume?: boolean;
  onProgress?: (progress: Progress) => void;
}

/** What a run leaves in its folder. */
export interface TrainedFiles {
  /** The network, which its class loads. */
  model: string;
  /** Everything that `resume` needs; the network's class loads it as well. */
  checkpoint: string;
  /** A line of JSON for every step and every epoch. */
  curve: string;
  steps: number;
}

/** A step with its losses by name. */
export type NamedStep<Loss extends string> = Omit<TrainingStep, "losses"> & Record<Loss, number>;

/** What one network's training has of its own. */
export interface Course<Loss extends string, Epoch extends { epoch: number }> {
  /** File name of the trained network. */
  model: string;
  /** Steps of an epoch. */
  steps: number;
  epochs: number;
  /** The trainer's losses, in its order. */
  losses: readonly Loss[];
  createTrainer(): Promise<TrainerHandle>;
  summarize(epoch: number, steps: NamedStep<Loss>[]): Epoch;
  /** What validation adds to the epoch. */
  validate(trainer: TrainerHandle): Promise<Partial<Epoch>>;
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
  const files = {
    model: join(folder, course.model),
    checkpoint: join(folder, "checkpoint.safetensors"),
    curve: join(folder, "curve.jsonl"),
  };
  const begun = existsSync(files.checkpoint);
  if (begun && !resume) {
    throw new UsageError(`${folder} holds a run already. Resume it, or give another folder.`);
  }
  const trainer = await course.createTrainer();
  try {
    if (begun) await callNative({}, (task) => native.loadTrainer(trainer, files.checkpoint, task));
    shortenCurve(files.curve, native.trainerSteps(trainer));
    while (native.trainerSteps(trainer) < course.steps * course.epochs) {
      await trainEpoch(trainer, files, options, course);
    }
    await callNative({}, (task) => native.exportTrainer(trainer, files.model, task));
    return { ...files, steps: native.trainerSteps(trainer) };
  } finally {
    native.release(trainer);
  }
}

/** Steps up to the end of the epoch that the trainer is in, then validation and checkpoint. */
async function trainEpoch<Loss extends string, Epoch extends { epoch: number }>(
  trainer: TrainerHandle,
  { checkpoint, curve }: Pick<TrainedFiles, "checkpoint" | "curve">,
  { threads, signal, onProgress }: TrainOptions,
  course: Course<Loss, Epoch>,
): Promise<void> {
  const { steps, epochs, losses } = course;
  const epoch = Math.floor(native.trainerSteps(trainer) / steps) + 1;
  const save = () => callNative({}, (task) => native.saveTrainer(trainer, checkpoint, task));
  const done: NamedStep<Loss>[] = [];
  const report = (now: number) =>
    onProgress?.({ step: `epoch ${epoch} of ${epochs}`, done: now, total: steps });
  while (!signal?.aborted && native.trainerSteps(trainer) < epoch * steps) {
    const before = native.trainerSteps(trainer) - (epoch - 1) * steps;
    report(before);
    const some = await callNative(
      { threads, signal },
      (task) => native.trainSteps(trainer, Math.min(stepsAtOnce, steps - before), task),
      (now) => report(before + now),
    );
    const named = some.map((step) => nameLosses(step, losses));
    append(curve, named.map((step) => JSON.stringify(step)).join("\n"));
    done.push(...named);
  }
  if (signal?.aborted) {
    await save();
    throw new AbortedError(undefined, { cause: signal.reason });
  }
  const result = { ...course.summarize(epoch, done), ...(await course.validate(trainer)) };
  append(curve, JSON.stringify({ step: epoch * steps, ...result }));
  await save();
  course.onEpoch?.(result);
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

function append(path: string, lines: string): void {
  if (lines === "") return;
  try {
    appendFileSync(path, `${lines}\n`);
  } catch (cause) {
    throw new OutputError("WRITE_FAILED", `${path}: ${(cause as Error).message}.`, { cause });
  }
}

/** Takes away the lines after `step`: a run that was killed wrote them after its last checkpoint. */
function shortenCurve(path: string, step: number): void {
  if (!existsSync(path)) return;
  let kept = 0;
  for (const line of readFileSync(path, "utf8").split(/(?<=\n)/)) {
    if (!line.endsWith("\n") || stepOf(line) > step) break;
    kept += Buffer.byteLength(line);
  }
  truncateSync(path, kept);
}

function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** @throws UsageError for what is not a whole number from 1 to `most`, a seed or a learning rate. */
export function checkTrainNumbers<Name extends string>(
  options: { [name in NoInfer<Name>]?: number } & { seed?: number; learningRate?: number },
  most: Readonly<Record<Name, number>>,
): void {
  for (const name of Object.keys(most) as Name[]) {
    const value: number = options[name] ?? 1;
    if (!Number.isInteger(value) || value < 1 || value > most[name]) {
      throw new UsageError(`${name} must be a whole number from 1 to ${most[name]}, not ${value}.`);
    }
  }
  const { seed = 0, learningRate = 1e-4 } = options;
  if (!Number.isInteger(seed) || seed < 0 || seed > 2 ** 32 - 1) {
    throw new UsageError(`seed must be a whole number from 0 to 4294967295, not ${seed}.`);
  }
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new UsageError(`learningRate must be a positive number, not ${learningRate}.`);
  }
}
