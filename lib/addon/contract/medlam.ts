/** The MedLAM network (part 2). */
import type { CheckpointHandle, MedLamHandle } from "./handles.js";
import type { Placement, Runtime } from "./runtimes.js";
import type { Task } from "./task.js";

export interface MedLamInfo extends Placement {
  handle: MedLamHandle;
  /** Base width B of algorithm.md part 2. */
  width: number;
  /** Edge of a patch in voxels. */
  patch: number;
  parameters: number;
  /** A line per tensor (name, shape, CRC-32 of its float32 values): equal for the same weights however stored. */
  digest: string;
}

export interface ForwardResult {
  positions: Float32Array;
  /** Per scale, (patch, channel, z, y, x). */
  features: Float32Array[];
}

export interface MedlamAddon {
  loadMedLam(checkpoint: CheckpointHandle, runtime: Runtime, task: Task): Promise<MedLamInfo>;
  /** Patches (n, patch³) through the network; features of scales 0 … deepest only. */
  medlamForward(
    medlam: MedLamHandle,
    patches: Float32Array,
    deepestScale: number,
    task: Task,
  ): Promise<ForwardResult>;
}
