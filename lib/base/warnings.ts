/** Warnings about a scan or its results that programs can tell apart. */

/** Stable codes of warnings. */
export const warningCodes = {
  /** Slices do not follow each other along their normal: the gantry was tilted. */
  TILTED: "TILTED",
  /** Objects beside the series that was read: localizers, captures, segmentations. */
  LEFT_OUT: "LEFT_OUT",
  /** Slices that were interpolated. */
  RESAMPLED: "RESAMPLED",
  /** Images compressed with loss. */
  LOSSY: "LOSSY",
  /** Organs without a voxel, which a DICOM file of masks cannot hold. */
  EMPTY_ORGANS: "EMPTY_ORGANS",
  /** A DICOM segmentation of a tilted series, which 3D Slicer refuses. */
  SEG_TILTED: "SEG_TILTED",
} as const;

export type WarningCode = keyof typeof warningCodes;

export interface ScanWarning {
  code: WarningCode;
  /** A sentence for people, without a full stop. It holds no name, date or UID of the scan's. */
  message: string;
}
