/** Single steps, for checking and for reuse. */
import type { Conventions } from "./grid.js";
import type { VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

export interface StepsAddon {
  /** Part 6.1 but for the resizing: slices (count, height, width) of a volume, 0 … 255. */
  windowSlices(
    call: { volume: VolumeHandle; conventions: Conventions },
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint8Array }>;
  resizeSlice(
    call: { slice: Uint8Array; height: number; width: number; edge: number },
    task: Task,
  ): Promise<Uint8Array>;
  /** Part 6.4: logits (edge/4)² → probabilities (height, width). */
  decodeMask(
    call: { logits: Float32Array; edge: number; height: number; width: number },
    task: Task,
  ): Promise<Float32Array>;
  resampleSpline(
    call: { data: Float64Array; shape: number[]; zoom: number[] },
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Float64Array }>;
  resampleLabels(
    call: { data: Uint16Array; shape: number[]; zoom: number[] },
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Uint16Array }>;
  mapHu(data: Float64Array, task: Task): Promise<Float32Array>;
  /** The volume's values as float64 in LAS order. */
  toLas(
    volume: VolumeHandle,
    task: Task,
  ): Promise<{ shape: [number, number, number]; data: Float64Array; lasToStored: number[] }>;
  /** features[k]: (channels, edge³) for edge = patch >> (2 − k), kernels[k]: (channels, size³); null leaves a scale out. */
  similarityMap(
    call: {
      features: (Float32Array | null)[];
      kernels: (Float32Array | null)[];
      channels: number;
      patch: number;
    },
    task: Task,
  ): Promise<Float32Array>;
}
