/** The acquired images behind a volume: what masks of it need to be written as DICOM. */

/** One acquired image, or one frame of a multi-frame image. */
export interface DicomSlice {
  /** The file's path; for one in an archive `ARCHIVE/NAME`. */
  path: string;
  sopClassUid: string;
  sopInstanceUid: string;
  /** Number of the frame in a multi-frame image, from 1. */
  frame?: number;
  /** ImagePositionPatient as it is stored (DS): "-90\\-80\\734.21", LPS mm. */
  imagePosition: string;
  /** Index of the volume's slice that lies nearest: the image's own one, unless slices were resampled. */
  z: number;
}

/** One attribute of a data set: a value, or the items of a sequence. */
export interface DicomElement {
  /** Value representation; "UN" where an implicit data set has an attribute that is not in the dictionary. */
  vr: string;
  /** The value as it is stored, padding included, but numbers in little endian; missing for a sequence. */
  value?: Uint8Array;
  items?: readonly DicomAttributes[];
}

/** A data set: elements by tag, eight hexadecimal digits in lower case, such as "00100010". */
export type DicomAttributes = ReadonlyMap<string, DicomElement>;

/** The acquired images of a series that was read as a volume. */
export interface DicomSource {
  readonly kind: "dicom";
  /** In the order of the volume's z. One a slice, unless slices were resampled. */
  readonly slices: readonly DicomSlice[];
  /**
   * Data set of the first slice's file without pixel data, private groups and the per-frame functional groups. Its file meta
   * information (group 0002) is in it: the transfer syntax is (0002,0010).
   */
  readonly attributes: DicomAttributes;
  readonly rows: number;
  readonly columns: number;
  /** ImageOrientationPatient as it is stored (DS): the row's direction cosines, then the column's, LPS. */
  readonly imageOrientation: string;
  /** PixelSpacing as it is stored (DS): between rows, then between columns, mm. */
  readonly pixelSpacing: string;
  /** Distance of neighboring slices of the volume along their normal, mm. */
  readonly sliceSpacing: number;
  /** Angle between the slices' normal and the way from slice to slice, degrees: that of a tilted gantry. */
  readonly tilt: number;
  /** Whether the volume's slices are not the acquired ones but interpolated between them. */
  readonly resampled: boolean;
  /** Whether an image was compressed with loss. */
  readonly lossy: boolean;
}
