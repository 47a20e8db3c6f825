/** Timing on a shared machine: contenders alternate, and medians are compared. */
import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds before each run: OpenMP's threads keep a processor busy for up to 200 ms after their work. */
const settling = 300;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Calls every function of `contenders` (name → async function giving seconds; undefined ones are left out) `runs`
 * times in turn, after `warmups` rounds that do not count. Every other round goes backwards, so that none always
 * follows the same other.
 * @returns name → median seconds.
 */
export async function alternate(contenders, runs, warmups = 1) {
  const entries = Object.entries(contenders).filter(([, run]) => run !== undefined);
  const seconds = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = -warmups; round < runs; round++) {
    for (const [name, run] of round % 2 === 0 ? entries : entries.toReversed()) {
      await pause(settling);
      const taken = await run();
      if (round >= 0) seconds[name].push(taken);
    }
  }
  return Object.fromEntries(entries.map(([name]) => [name, median(seconds[name])]));
}

/** Wall seconds of an async call. */
export async function wallSeconds(run) {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}
