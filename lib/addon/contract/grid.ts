/** Grids (algorithm.md parts 1 and 3). */
import type { GridHandle, LabelGridHandle, VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

export type Conventions = "exact" | "reference";

export interface GridInfo {
  /** Of the padded grid. */
  shape: [number, number, number];
  /** Stored extent along the grid's axes (LAS, not yet zoomed). */
  lasShape: [number, number, number];
  /** Grid voxels per LAS voxel: spacing / 3 mm, (z, y, x). */
  zoom: [number, number, number];
  /** Row-major 4×4: LAS voxel (x, y, z, 1) → stored voxel (x, y, z, 1). */
  lasToStored: number[];
}

export interface LabelExtent {
  label: number;
  /** First and last non-empty index per axis on the padded grid. */
  min: [number, number, number];
  max: [number, number, number];
}

export interface GridAddon {
  /** Part 1. `normalized`: the intensities are already in [0, 1], do not map HU. */
  makeGrid(
    volume: VolumeHandle,
    conventions: Conventions,
    normalized: boolean,
    task: Task,
  ): Promise<GridHandle>;
  gridInfo(grid: GridHandle): GridInfo;
  gridValues(grid: GridHandle, task: Task): Promise<Float32Array>;
  /** The grid's values at the points; 0 outside. */
  sampleGrid(grid: GridHandle, points: Int32Array): Float32Array;
  makeLabelGrid(
    volume: VolumeHandle,
    conventions: Conventions,
    task: Task,
  ): Promise<LabelGridHandle>;
  labelGridFromArray(data: Uint16Array, shape: number[], task: Task): Promise<LabelGridHandle>;
  labelGridValues(
    grid: LabelGridHandle,
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint16Array }>;
  labelExtents(grid: LabelGridHandle, task: Task): Promise<LabelExtent[]>;
  /** Part 3: six points for each of parts[i] cuts of labels[i], or of the whole organ where parts[i] is 0. */
  annotationPoints(
    grid: LabelGridHandle,
    labels: Int32Array,
    parts: Int32Array,
    conventions: Conventions,
    task: Task,
  ): Promise<Int32Array>;
}
