/** SAM over slices (part 6). */
import type { Conventions } from "./grid.js";
import type {
  CheckpointHandle,
  MasksHandle,
  SamHandle,
  SlicePlanHandle,
  VolumeHandle,
} from "./handles.js";
import type { Placement, Runtime } from "./runtimes.js";
import type { Task } from "./task.js";

export interface SamInfo extends Placement {
  handle: SamHandle;
  /** S: the edge of a slice in pixels. */
  imageSize: number;
  /** Edge of an embedding; masks have four times as many logits along an edge. */
  grid: number;
  width: number;
  depth: number;
  heads: number;
  /** Channels of an embedding. */
  channels: number;
  parameters: number;
  /** As {@link MedLamInfo.digest}. */
  digest: string;
}

/** Sizes in the JSON next to a SAM checkpoint. */
export interface SamGeometry {
  heads: number;
  window: number;
  globalBlocks: Int32Array;
}

/** A prompt on a slice, in pixels of the S×S slice. */
export interface NativeSamPrompt {
  /** Left, top, right, bottom. */
  box: Float32Array | null;
  /** (x, y, 1 in the organ or 0 not) each. */
  points: Float32Array;
}

/** Boxes and points that show an organ in a volume, in stored voxels. */
export interface NativeOrganPrompt {
  /** (min z, y, x, max z, y, x) of each part, inclusive. */
  boxes: Int32Array;
  /** (z, y, x, 1 in the organ or 0 not) each. */
  points: Int32Array;
}

export interface SliceWork {
  encoderRuns: number;
  prompts: number;
  prepareSeconds: number;
  encodeSeconds: number;
  decodeSeconds: number;
}

export interface SamAddon {
  loadSam(
    checkpoint: CheckpointHandle,
    stated: SamGeometry | null,
    runtime: Runtime,
    task: Task,
  ): Promise<SamInfo>;
  /** Slices (n, S²), 0 … 255 → embeddings (n, channels, grid²). */
  samEncode(sam: SamHandle, slices: Float32Array, task: Task): Promise<Float32Array>;
  /** One embedding → logits (prompts, masks, (4·grid)²) and predicted IoUs (prompts, masks); mask prompts may be null. */
  samDecode(
    sam: SamHandle,
    embedding: Float32Array,
    prompts: NativeSamPrompt[],
    masks: Float32Array | null,
    multimask: boolean,
    task: Task,
  ): Promise<{ logits: Float32Array; ious: Float32Array }>;
  /**
   * Parts 6.3 and 6.5: the slices that segmentSlices is to encode, and after how many of them each organ is complete (0: it
   * has no prompt). `only`: slices to keep to.
   */
  planSlices(
    sam: SamHandle,
    masks: MasksHandle,
    organs: NativeOrganPrompt[],
    only: Int32Array | null,
    task: Task,
  ): Promise<{ handle: SlicePlanHandle; completeAfter: Int32Array }>;
  /** Part 6: fills the masks; progress counts slices. `alone`: nobody else makes masks of the scan. */
  segmentSlices(
    sam: SamHandle,
    volume: VolumeHandle,
    masks: MasksHandle,
    plan: SlicePlanHandle,
    conventions: Conventions,
    alone: boolean,
    task: Task,
  ): Promise<SliceWork>;
}
