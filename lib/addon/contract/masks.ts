/** Masks of a scan (part 6.6), and previews. */
import type { MasksHandle, VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

export interface MasksAddon {
  /** Empty masks of so many organs of this volume. */
  createMasks(volume: VolumeHandle, organs: number): MasksHandle;
  /** Masks of a label map's labels, in their order, with probability 1 for every voxel. */
  masksOfLabels(labelMap: VolumeHandle, labels: Int32Array, task: Task): Promise<MasksHandle>;
  /** The organ's probabilities in a box of stored voxels become its mask. */
  setMask(
    masks: MasksHandle,
    organ: number,
    min: number[],
    max: number[],
    probabilities: Float32Array,
    task: Task,
  ): Promise<void>;
  filterMask(
    masks: MasksHandle,
    organ: number,
    largestOnly: boolean,
    minVoxels: number,
    task: Task,
  ): Promise<void>;
  /** Voxels of the mask and the volume's mean value in it, NaN for an empty one. */
  maskStatistics(
    masks: MasksHandle,
    organ: number,
    volume: VolumeHandle,
    task: Task,
  ): Promise<{ voxels: number; mean: number }>;
  /** Part 6.6: organs[i] becomes labels[i], uint8 or with `wide` uint16, (z, y, x). */
  maskValues(
    masks: MasksHandle,
    organs: Int32Array,
    labels: Int32Array,
    wide: boolean,
    task: Task,
  ): Promise<ArrayBuffer>;
  /** The same into a NIfTI file; uint16 where a label needs it. */
  writeMasks(
    masks: MasksHandle,
    organs: Int32Array,
    labels: Int32Array,
    path: string,
    geometry: VolumeHandle,
    labelXml: string,
    description: string,
    task: Task,
  ): Promise<void>;
  /** An organ's mask as a volume of 0 and 1. */
  maskVolume(
    masks: MasksHandle,
    organ: number,
    geometry: VolumeHandle,
    task: Task,
  ): Promise<VolumeHandle>;
  /** How many voxels of each axial slice of a label map have one of these labels. */
  labelledPixels(labelMap: VolumeHandle, labels: Int32Array, task: Task): Promise<Float64Array>;
  /**
   * A PNG of the masks' scan with contours, boxes and a legend, and the contour of a label map's organ in white. `planes`: 0 axial, 1
   * coronal, 2 sagittal.
   */
  writePreview(
    masks: MasksHandle,
    volume: VolumeHandle,
    organs: { organ: number; name: string; boxes: Int32Array; color: Uint8Array }[],
    truth: { labels: VolumeHandle; label: number } | null,
    planes: Int32Array,
    path: string,
    description: string,
    task: Task,
  ): Promise<void>;
}
