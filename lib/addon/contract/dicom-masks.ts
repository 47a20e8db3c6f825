/** Masks as the frames and contours of DICOM objects, label maps out of them, and files of bytes. */
import type { MasksHandle, VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

/** Where the images of a series lie in a volume. */
export interface PlaneStackOptions {
  /** The volume's axes (of z, y, x) along which images, rows and columns follow each other. */
  axes: number[];
  /** Whether they do so against the stored order. */
  reversed: boolean[];
  /** The slice of each image, counted in the images' order. */
  slices: Int32Array;
}

/** Where the images' pixels are, LPS mm: the center of column c and row r is at origin + c · column + r · row. */
export interface PlaneFrames {
  /** (x, y, z) of each image. */
  origins: Float64Array;
  column: Float64Array;
  row: Float64Array;
}

/** The scan that a label map is made for. */
export interface AnnotatedGrid {
  shape: number[];
  affine: number[];
  /** For each slice of the scan, the image that it shows. */
  images: Int32Array;
}

export interface DicomMasksAddon {
  /** Bits of all images on which an organ has voxels, by organ, then by image; whether a voxel has two organs. */
  organFrames(
    masks: MasksHandle,
    organs: Int32Array,
    stack: PlaneStackOptions,
    task: Task,
  ): Promise<{ organs: Int32Array; planes: Int32Array; overlap: boolean; bits: ArrayBuffer }>;
  /**
   * All images with organs as frames of labels, uint8, or uint16 where a label needs it: organs[i] becomes
   * labels[i]. With the labels that occur, in order.
   */
  labelFrames(
    masks: MasksHandle,
    organs: Int32Array,
    labels: Int32Array,
    stack: PlaneStackOptions,
    task: Task,
  ): Promise<{ planes: Int32Array; labels: Int32Array; pixels: ArrayBuffer }>;
  /** For each contour its image, points and bytes of text; all texts in a row. `nested`: holes are contours of their own. */
  organContours(
    masks: MasksHandle,
    organ: number,
    stack: PlaneStackOptions,
    frames: PlaneFrames,
    nested: boolean,
    task: Task,
  ): Promise<{ planes: Int32Array; points: Int32Array; lengths: Int32Array; text: ArrayBuffer }>;
  /** A label map of frames of 1, 8 or 16 bits a pixel. `parts`: flat (frame, value, label, image). */
  frameLabels(
    pixels: Uint8Array,
    bits: number,
    parts: Int32Array,
    grid: AnnotatedGrid,
    task: Task,
  ): Promise<VolumeHandle>;
  /** A label map of contours. `parts`: flat (offset in `text`, length, label, image); an image below 0 is looked for. */
  contourLabels(
    text: Uint8Array,
    parts: Int32Array,
    frames: PlaneFrames,
    grid: AnnotatedGrid,
    task: Task,
  ): Promise<VolumeHandle>;
  /** Writes a file of these bytes, whole or not at all. */
  writeBytes(path: string, chunks: Uint8Array[], task: Task): Promise<void>;
}
