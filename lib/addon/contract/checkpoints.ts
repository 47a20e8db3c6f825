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

/** float16: of all tensors. int8: of large ones of two axes and more, the others as float16. */
export type WeightStorage = "unchanged" | "float16" | "int8";

export interface CheckpointsAddon {
  openCheckpoint(path: string, task: Task): Promise<CheckpointInfo>;
  /** A tensor as float32 (floating types) or as stored bytes. */
  tensorData(checkpoint: CheckpointHandle, name: string, task: Task): Promise<ArrayBuffer>;
  /** As safetensors, floating-point tensors stored as `weights` says. */
  writeCheckpoint(
    checkpoint: CheckpointHandle,
    path: string,
    weights: WeightStorage,
    metadata: Record<string, string>,
    task: Task,
  ): Promise<void>;
}
