/** Pixels of DICOM files, whose headers are read in lib/dicom. */
import type { VolumeHandle } from "./handles.js";
import type { Task } from "./task.js";

/** One slice of a volume: an image, or a frame of a multi-frame image. */
export interface DicomFrame {
  /** Its name in messages: the file, and which frame of that. */
  name: string;
  /** `native` is little endian, whatever the machine is. */
  codec: "native" | "bigEndian" | "rle" | "jpegLossless";
  /** The file that holds it, or else the bytes that do, which must not change until the promise settles. */
  path?: string;
  bytes?: Uint8Array;
  /** Offset and length of each fragment, in turn, in the file or in the bytes; together they are the frame. */
  fragments: number[];
  bitsAllocated: 8 | 16 | 32;
  bitsStored: number;
  /** Stored values, both included, that are no part of the image: they become −1024 HU. */
  padding: [min: number, max: number] | null;
  slope: number;
  intercept: number;
}

export interface DicomFrames {
  rows: number;
  columns: number;
  /** Two's complement of `bitsStored` bits. */
  signed: boolean;
  affine: number[];
  /** By z. */
  slices: DicomFrame[];
}

export interface DicomAddon {
  /**
   * The volume of these slices: int16 with slope 1 if all have the same whole slope and intercept and every value fits, else
   * float32. Progress is counted in slices.
   */
  volumeFromFrames(call: DicomFrames, task: Task): Promise<VolumeHandle>;
}
