/** Volumes: scans and label maps in native memory. */
import type { VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

export type StoredType =
  | "F64"
  | "F32"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8";

export type VoxelArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

export interface VolumeInfo {
  shape: [number, number, number];
  dtype: StoredType;
  slope: number;
  intercept: number;
  affine: number[];
  spacing: [number, number, number];
  /** Where the stored x, y and z axes point, by the nearest axis order: "LPS". */
  axes: string;
  /** Warnings about the file that results should repeat. */
  warnings: string[];
  /** The label table of a NIfTI extension of code 0, if there is one. */
  labelXml?: string;
}

export interface VolumeFormat {
  name: string;
  /** Extensions of file names, in lower case, with the dot. */
  extensions: string[];
}

export interface VolumesAddon {
  /** `nan`: what NaN and infinite voxels are read as; null: they stay. */
  readVolume(path: string, nan: number | null, task: Task): Promise<VolumeHandle>;
  /** The formats that readVolume knows. */
  volumeFormats(): VolumeFormat[];
  volumeFromArray(
    data: VoxelArray,
    shape: number[],
    affine: number[],
    task: Task,
  ): Promise<VolumeHandle>;
  volumeInfo(volume: VolumeHandle): VolumeInfo;
  /** Stored values, or with `scaled` value = stored · slope + intercept as float32. */
  volumeData(volume: VolumeHandle, scaled: boolean, task: Task): Promise<ArrayBuffer>;
  /** Every step-th voxel along (z, y, x), in its place. */
  thinVolume(volume: VolumeHandle, step: number[], task: Task): Promise<VolumeHandle>;
  /** A copy whose slices are shifted upright if the affine shears them; −1024 outside. */
  rectifyVolume(volume: VolumeHandle, task: Task): Promise<VolumeHandle>;
  /** Slices between a volume's: of each the slice before it, and the share of the next. */
  resampleSlices(
    volume: VolumeHandle,
    call: { lower: readonly number[]; weight: readonly number[]; affine: readonly number[] },
    task: Task,
  ): Promise<VolumeHandle>;
  writeVolume(
    path: string,
    geometry: VolumeHandle,
    data: VoxelArray | null,
    labelXml: string,
    task: Task,
  ): Promise<void>;
}
