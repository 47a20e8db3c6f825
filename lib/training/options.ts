/** Options that every network's training has, and how numbers among them are checked. */

import type { CallOptions, Progress } from "../addon/call.js";
import type { Precision } from "../addon/contract/index.js";
import { UsageError } from "../base/errors.js";
import { maxSeed } from "../base/seed.js";
import type { DicomOptions } from "../volumes/read.js";
import type { PeerOfRun } from "./peers.js";

/** Options of every training run. Defaults of the numbers are in `trainingDefaults`. */
export interface TrainOptions extends CallOptions, DicomOptions {
  /** Where the checkpoint, the model and the learning curve go; the folder is made if it is missing. */
  folder: string;
  /** Where the prepared scans are kept; `folder`/scans by default. */
  cache?: string;
  /** Checkpoint whose weights to start from; random weights otherwise. */
  from?: string;
  /** Steps of an epoch. */
  steps?: number;
  epochs?: number;
  /** Scans or slices of a step. */
  batch?: number;
  learningRate?: number;
  /** Seed of all random numbers. */
  seed?: number;
  /**
   * "auto" (default): a GPU if libtorch sees one, and with several processes one for each, else the CPU. "cpu", "cuda" or "cuda:N", which must
   * be there.
   */
  device?: string;
  /** Called with the reason if the CPU trains although a GPU is there. */
  onFallback?: (reason: string) => void;
  precision?: Exclude<Precision, "float16">;
  /**
   * Scans or slices of a step that are computed at once, and whose memory is needed at once; 0, the default: one on a CPU,
   * all on a GPU, which is hardly faster with one. The sum is the same, up to rounding.
   */
  microBatch?: number;
  /** Threads that make batches ahead of the network; 0: batches are made between the steps. */
  loaders?: number;
  /**
   * Processes that share every batch, on this machine. They do the steps of one process, up to rounding; `threads` are
   * those of all, and with the device "cuda" each has its own GPU, from "cuda:0" on.
   */
  processes?: number;
  /** This process's rank in a run whose processes a launcher starts. All see the same files; the first writes. */
  peer?: PeerOfRun;
  /** HU that voxels that are NaN or infinite are read as; without it MedLAM's scans are refused, and SAM's keep them, darkest of all. */
  nan?: number;
  /** Go on from the checkpoint in `folder`. Without it a folder that has one is refused. */
  resume?: boolean;
  onProgress?: (progress: Progress) => void;
}

/** A number that can be given: its default and what it may be. */
export interface NumberOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number, usual: number): NumberOption {
  return { default: usual, min, max, whole: true };
}

/** A decimal number from `min` to `max`. */
export function decimal(min: number, max: number, usual: number): NumberOption {
  return { default: usual, min, max, whole: false };
}

/** Numbers whose defaults and limits are the same for every network. */
export const commonNumbers = {
  microBatch: whole(0, 1024, 0),
  seed: whole(0, maxSeed, 0),
  loaders: whole(0, 256, 1),
  processes: whole(1, 64, 1),
};

export const learningRate = (usual: number) => decimal(1e-30, 1e3, usual);

/** The numbers' defaults, by name. */
export function defaultsOf<Name extends string>(
  numbers: Readonly<Record<Name, NumberOption>>,
): Record<Name, number> {
  const entries = Object.entries<NumberOption>(numbers);
  return Object.fromEntries(entries.map(([name, { default: usual }]) => [name, usual])) as Record<
    Name,
    number
  >;
}

/** The numbers as they are given, or their defaults. @throws UsageError naming the first that is out of its limits. */
export function settleNumbers<Name extends string>(
  options: { readonly [name in NoInfer<Name>]?: number | undefined },
  numbers: Readonly<Record<Name, NumberOption>>,
): Record<Name, number> {
  const settled = defaultsOf(numbers);
  for (const name of Object.keys(numbers) as Name[]) {
    const value: number = options[name] ?? settled[name];
    const { min, max, whole: isWhole } = numbers[name];
    const fits = typeof value === "number" && value >= min && value <= max;
    if (!fits || (isWhole && !Number.isInteger(value))) {
      const kind = isWhole ? "whole number" : "number";
      throw new UsageError(`${name} must be a ${kind} from ${min} to ${max}, not ${value}.`);
    }
    settled[name] = value;
  }
  return settled;
}
