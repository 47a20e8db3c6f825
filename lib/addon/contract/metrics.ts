/** Figures of merit (part 7). */
import type { VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

/** Inclusive bounds in stored voxels, (z, y, x). */
export interface VoxelBox {
  min: [number, number, number];
  max: [number, number, number];
}

/** One mask: how many voxels, and the box around them; null when there are none. */
export interface MaskExtent {
  voxels: number;
  box: VoxelBox | null;
}

/** Part 7 for one organ. NaN when both masks are empty; when one is, distances are infinite and overlaps 0. */
export interface OrganComparison {
  prediction: MaskExtent;
  truth: MaskExtent;
  dice: number;
  /** mm, between surface voxels. */
  hausdorff: number;
  hausdorff95: number;
  averageDistance: number;
  surfaceDice: number;
}

export interface MetricsAddon {
  /** Every label but 0 that occurs, ascending. */
  countLabels(
    volume: VolumeHandle,
    task: Task,
  ): Promise<(MaskExtent & { label: number; box: VoxelBox })[]>;
  /** Part 7. `labels`: a pair (in the prediction, in the truth) per organ; 0 where a map does not know it. mm. */
  compareLabels(
    prediction: VolumeHandle,
    truth: VolumeHandle,
    labels: Int32Array,
    tolerance: number,
    task: Task,
  ): Promise<OrganComparison[]>;
  /** Part 7 for boxes: IoU, NaN where neither box has a volume, and the mean distance of the six walls, mm. */
  boxOverlap(a: VoxelBox, b: VoxelBox, spacing: number[]): { iou: number; wallDistance: number };
}
