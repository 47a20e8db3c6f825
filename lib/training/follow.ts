/** How the processes of a run other than the first train along, and how one stops the others. */

import { type CallOptions, callNative } from "../addon/call.js";
import type { TrainerHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { AbortedError } from "../base/errors.js";

const stepsAtOnce = 100;

/** Trains along up to the last step. @throws AbortedError if a process of the run was stopped; UnavailableError. */
export async function follow(
  trainer: TrainerHandle,
  steps: number,
  { threads, signal }: CallOptions,
): Promise<void> {
  const left = () => steps - native.trainerSteps(trainer);
  try {
    while (left() > 0) {
      if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
      const some = Math.min(stepsAtOnce, left());
      await callNative({ threads, signal }, (task) => native.trainSteps(trainer, some, task));
    }
  } finally {
    if (left() > 0) await stopPeers(trainer);
  }
}

/** Before every step the processes of a run agree to go on; this one refuses, and all stop. */
export async function stopPeers(trainer: TrainerHandle): Promise<void> {
  const cancel = native.createCancel();
  native.cancel(cancel);
  // It fails if the others have stopped already, which is the aim.
  await native.trainSteps(trainer, 1, { threads: 1, cancel }).catch(() => {});
}
