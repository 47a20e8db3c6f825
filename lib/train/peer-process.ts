/** The program of a process that {@link PeerProcesses} starts: does its share of every step, and writes nothing. */
import { AbortedError, UnavailableError } from "../errors.js";
import { callNative } from "../native/call.js";
import { native } from "../native/loader.js";
import { follow } from "./follow.js";
import type { PeerJob } from "./peers.js";

// Ctrl-C goes to all processes of a terminal. The first of the run hears it too, and all stop before the same step.
process.on("SIGINT", () => {});
// It is gone, and with it the reason to go on.
process.on("disconnect", () => native.exitNow(1));

process.once("message", (job: PeerJob) => {
  work(job).then(
    () => native.exitNow(0),
    (error: unknown) => {
      // Process 0 was stopped, or has ended and says why.
      const expected = error instanceof AbortedError || error instanceof UnavailableError;
      if (!expected) process.stderr.write(`medlsam: ${String(error)}\n`);
      native.exitNow(expected ? 0 : 1);
    },
  );
});
process.send?.("ready");

async function work({ plugin, trainer: options, checkpoint, steps, threads }: PeerJob) {
  const trainer = await callNative({ threads }, (task) =>
    native.createTrainer(plugin, options, task),
  );
  if (checkpoint !== "") {
    await callNative({ threads }, (task) => native.loadTrainer(trainer, checkpoint, task));
  }
  await follow(trainer, steps, { threads });
}
