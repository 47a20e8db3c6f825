/** Grids (algorithm.md parts 1 and 3). */
import type { GridHandle, LabelGridHandle, VolumeHandle } from "./handles.js";
import type { VoxelBox } from "./metrics.js";
import type { Task } from "./task.js";

export type Conventions = "exact" | "reference";

export interface GridInfo {
  /** Shape of the padded grid, (z, y, x). */
  shape: [number, number, number];
}

export interface LabelExtent {
  label: number;
  /** First and last non-empty index per axis on the padded grid. */
  min: [number, number, number];
  max: [number, number, number];
}

/** An organ of a label map. */
export interface LabelledOrgan {
  label: number;
  /** Boxes it is localized by, 1 or more. */
  parts: number;
  /** Whether it is cut into its parts along z; otherwise it is one part, whole. A cut into one part is not the same (Q2). */
  cut: boolean;
}

/** Extreme points of an organ in LPS mm. */
export interface PhysicalOrgan {
  name: string;
  /** (x, y, z) each, six for each part in any order. */
  points: Float64Array;
}

export interface GridAddon {
  /** Part 1. `normalized`: the intensities are already in [0, 1], do not map HU. `device`: "cpu" or "cuda:N", where its patches will be looked at. */
  makeGrid(
    call: { volume: VolumeHandle; conventions: Conventions; normalized: boolean; device: string },
    task: Task,
  ): Promise<GridHandle>;
  gridInfo(grid: GridHandle): GridInfo;
  /** Part 5.4: a padded grid point → stored voxel, (z, y, x) both. One point; arrays of them belong into a task. */
  gridToStored(grid: GridHandle, point: number[]): [number, number, number];
  /** LPS mm (x, y, z) → padded grid point (z, y, x), not rounded. */
  gridFromPhysical(grid: GridHandle, lps: number[]): [number, number, number];
  gridValues(grid: GridHandle, task: Task): Promise<Float32Array>;
  makeLabelGrid(
    call: { volume: VolumeHandle; conventions: Conventions },
    task: Task,
  ): Promise<LabelGridHandle>;
  labelGridFromArray(
    call: { data: Uint16Array; shape: number[] },
    task: Task,
  ): Promise<LabelGridHandle>;
  labelGridValues(
    grid: LabelGridHandle,
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint16Array }>;
  labelExtents(grid: LabelGridHandle, task: Task): Promise<LabelExtent[]>;
  /**
   * Boxes of every label of a map, in stored voxels. `cuts`: pairs of a label and the number of parts, at least 1, that it
   * is cut into along head–feet as in part 3; the parts go from the feet upward, and are the box alone for other labels.
   */
  labelBoxes(
    call: { volume: VolumeHandle; cuts: Int32Array },
    task: Task,
  ): Promise<{ label: number; box: VoxelBox; parts: VoxelBox[] }[]>;
  /** Part 3: six points for each part of each organ; min z, min y, min x, max z, max y, max x. */
  annotationPoints(
    call: { grid: LabelGridHandle; organs: readonly LabelledOrgan[]; conventions: Conventions },
    task: Task,
  ): Promise<Int32Array>;
  /** The same of points that are given in mm. */
  physicalPoints(
    call: { grid: GridHandle; organs: readonly PhysicalOrgan[] },
    task: Task,
  ): Promise<Int32Array>;
}
