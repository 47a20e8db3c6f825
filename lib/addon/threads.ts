/** The threads that compute in this process. */
import { checkArguments, wholeNumber } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { defaultThreads, maxThreads } from "../base/threads.js";
import { native } from "./loader.js";

/**
 * Fixes how many threads compute in this process, for all calls together and those of all its Workers: MEDLSAM_THREADS
 * or one for each CPU without it. Calls beyond that number wait for their turn, in order. ONNX Runtime has a pool of
 * the same size, and libtorch one that `threads` of a call bounds.
 * @throws UsageError if an earlier call has fixed another number.
 */
export function setThreads(threads: number): void {
  checkArguments("setThreads", { threads: [threads, wholeNumber(1, maxThreads)] });
  const fixed = native.threadsOfProcess(threads);
  if (fixed === threads) return;
  throw new UsageError(
    `setThreads: this process computes with ${fixed} threads since its first call: set them before any, or in the ` +
      "environment variable MEDLSAM_THREADS.",
  );
}

/** The threads that compute in this process. The first call fixes them. */
export function threadsOfProcess(): number {
  fixed ??= native.threadsOfProcess(defaultThreads());
  return fixed;
}
let fixed: number | undefined;
