/** Formats of masks, and the names of their files. */

/** NIfTI; a DICOM segmentation with a frame of bits for each organ, or of labels; an RT structure set. */
export const outputFormats = ["nifti", "seg", "labelmap-seg", "rtstruct"] as const;

export type OutputFormat = (typeof outputFormats)[number];

/** Names of the DICOM files in a case's folder, the first to be read where there are several. */
export const dicomFiles = {
  seg: "segmentation.seg.dcm",
  "labelmap-seg": "segmentation.labelmap.dcm",
  rtstruct: "structures.rtstruct.dcm",
} as const satisfies Record<Exclude<OutputFormat, "nifti">, string>;
