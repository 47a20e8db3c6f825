/** The way from a checkpoint's path to a network that is ready to run, whichever it is. */
import { createHash } from "node:crypto";
import { type CallOptions, callNative } from "../addon/call.js";
import type { CheckpointHandle, Runtime, Task } from "../addon/contract/index.js";
import { findRuntime, type RuntimeOptions } from "../addon/runtimes.js";
import { Checkpoint } from "./checkpoint.js";

/** Members that all loaded networks have. */
export interface LoadedNetwork<Info> {
  info: Info;
  /** Why it does not run on the device that was asked for, or on a GPU that is there; "" where it does. */
  fallback: string;
  /** {@link Checkpoint.note} */
  note: string;
  /** Names the weights, however they are stored. */
  fingerprint: string;
}

/** Opens the checkpoint and the runtime, lets `load` make a network of them, and closes the checkpoint. */
export async function loadNetwork<Info extends { digest: string }>(
  path: string,
  options: CallOptions & RuntimeOptions,
  load: (checkpoint: CheckpointHandle, runtime: Runtime, task: Task) => Promise<Info>,
): Promise<LoadedNetwork<Info>> {
  const checkpoint = await Checkpoint.open(path, options);
  try {
    const { runtime, fallback } = await findRuntime(options);
    const info = await callNative(options, (task) => load(checkpoint.handle, runtime, task));
    const fingerprint = createHash("sha256").update(info.digest).digest("hex").slice(0, 32);
    return { info, note: checkpoint.note, fingerprint, fallback };
  } finally {
    checkpoint.close();
  }
}
