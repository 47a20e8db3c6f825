/** The way from a public function into the addon: threads, cancellation, progress, errors. */
import { callOptions, checkArguments } from "../base/arguments.js";
import { AbortedError, errorFromCode, MedLsamError } from "../base/errors.js";
import type { Task } from "./contract/index.js";
import { native } from "./loader.js";
import { threadsOfProcess } from "./threads.js";

/** Options of every call that computes. */
export interface CallOptions {
  /** Threads that this call's loops may use, of those of the process ({@link setThreads}); all by default. */
  threads?: number;
  /** Ends the call early with an {@link AbortedError}; what was being written is removed. */
  signal?: AbortSignal;
}

/** The work that a long call is at. */
export type ProgressPhase =
  /** Reading a scan, and putting it on the localization grid. */
  | "read"
  | "grid"
  /** Localizing: looking from the middle, looking all over the scan, searching the points. */
  | "query"
  | "survey"
  | "search"
  /** Building templates: reading the supports' label maps, adding a support. */
  | "labels"
  | "support"
  | "segment"
  | "write"
  | "compare"
  | "phantom"
  /** Training: preparing the scans, an epoch, measuring on other scans. */
  | "prepare"
  | "epoch"
  | "validate"
  /** The demo's stages that are none of these. */
  | "models"
  | "localize"
  | "evaluate"
  | "page";

/** How far a long call is. */
export interface Progress {
  phase: ProgressPhase;
  /** Parts of the phase that are done, of how many. */
  done: number;
  total: number;
  /** Position among several of a kind that the phase works on, from 0: supports, epochs. */
  item?: ProgressItem;
}

export interface ProgressItem {
  index: number;
  count: number;
}

/** @internal Runs a native function with the caller's options; what it rejects with becomes a {@link MedLsamError}. */
export async function callNative<T>(
  options: CallOptions,
  run: (task: Task) => Promise<T>,
  onProgress?: (done: number, total: number, phase: string) => void,
): Promise<T> {
  checkArguments("", { options: [options, callOptions] });
  const all = threadsOfProcess();
  const { signal, threads = all } = options;
  if (signal?.aborted) throw aborted(signal);
  const cancel = native.createCancel();
  const abort = () => native.cancel(cancel);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await run({ threads, cancel, ...(onProgress && { onProgress }) });
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    throw toMedLsamError(error);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Runs a native function that computes next to nothing; what it throws becomes a {@link MedLsamError}. */
export function callSync<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw toMedLsamError(error);
  }
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError(undefined, { cause: signal.reason });
}

function toMedLsamError(error: unknown): unknown {
  if (error instanceof MedLsamError || !(error instanceof Error)) return error;
  const { code } = error as Error & { code?: unknown };
  return typeof code === "string" ? errorFromCode(code, error.message, { cause: error }) : error;
}
