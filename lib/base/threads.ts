/** How many threads a process computes with, before the addon is loaded. */
import { availableParallelism } from "node:os";
import { env } from "node:process";
import { UsageError } from "./errors.js";

export const maxThreads = 1024;

/**
 * Number in the environment variable MEDLSAM_THREADS, else one for each CPU that this process may use.
 * @throws UsageError for a value that is not a whole number from 1 to {@link maxThreads}.
 */
export function defaultThreads(): number {
  const wanted = env.MEDLSAM_THREADS;
  if (wanted === undefined || wanted === "") return Math.min(availableParallelism(), maxThreads);
  const threads = /^\d+$/.test(wanted) ? Number(wanted) : 0;
  if (threads >= 1 && threads <= maxThreads) return threads;
  throw new UsageError(
    `MEDLSAM_THREADS must be a whole number from 1 to ${maxThreads}, not "${wanted}".`,
  );
}
