/** Checkpoint files (part 2). */
import type { CheckpointHandle } from "./handles.js";
import type { Task } from "./task.js";
import type { StoredType } from "./volumes.js";

export type TensorType = StoredType | "F16" | "BF16" | "BOOL";

export interface TensorInfo {
  name: string;
  dtype: TensorType;
  shape: number[];
}

export interface CheckpointInfo {
  handle: CheckpointHandle;
  format: string;
  tensors: TensorInfo[];
  metadata: Record<string, string>;
}

export interface CheckpointsAddon {
  openCheckpoint(path: string, task: Task): Promise<CheckpointInfo>;
  /** A tensor as float32 (floating types) or as stored bytes. */
  tensorData(checkpoint: CheckpointHandle, name: string, task: Task): Promise<ArrayBuffer>;
  /** As safetensors. `half`: floating-point tensors as F16. */
  writeCheckpoint(
    checkpoint: CheckpointHandle,
    path: string,
    half: boolean,
    metadata: Record<string, string>,
    task: Task,
  ): Promise<void>;
}
