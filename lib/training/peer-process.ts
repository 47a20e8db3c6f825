/** The program of a process that {@link PeerProcesses} starts: it does its share of every step, and writes nothing. */

import { callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { setThreads } from "../addon/threads.js";
import { AbortedError, UnavailableError } from "../base/errors.js";
import { follow } from "./follow.js";
import type { PeerJob } from "./peers.js";

// Ctrl-C goes to all processes of a terminal. The first of the run gets it too, and all stop before the same step.
process.on("SIGINT", () => {});
// Process 0 has ended.
process.on("disconnect", () => native.exitNow(1));

process.once("message", async (job: PeerJob) => {
  try {
    await work(job);
  } catch (error) {
    // Report the failure to process 0, which prints it unless it has a better explanation.
    await new Promise((sent) => process.send?.({ failure: (error as Error).message }, sent));
    native.exitNow(1);
  }
  native.exitNow(0);
});
process.send?.("ready");

async function work({ plugin, options, checkpoint, steps, threads }: PeerJob) {
  setThreads(threads);
  const trainer = await callNative({ threads }, (task) =>
    native.createTrainer(plugin, options, task),
  );
  if (checkpoint !== "") {
    await callNative({ threads }, (task) => native.loadTrainer(trainer, checkpoint, task));
  }
  try {
    await follow(trainer, steps, { threads });
  } catch (error) {
    // Another process was stopped or is lost.
    if (!(error instanceof AbortedError || error instanceof UnavailableError)) throw error;
  }
}
