/** Organs in a DICOM segmentation or RT structure set, as plain values that a worker can send. */

/** An image of the series, as an annotation names it. */
export interface ImageReference {
  sopInstanceUid: string;
  /** Missing for a single-frame image. */
  frame?: number;
}

/** An organ: a segment or a region of interest. */
export interface AnnotatedOrgan {
  /** Its number in the file. */
  number: number;
  name: string;
}

/** A frame of a segmentation. */
export interface AnnotationFrame {
  /** Number of its segment; undefined in a label map, whose values are the segments' numbers. */
  segment?: number;
  reference?: ImageReference;
  /** ImagePositionPatient and ImageOrientationPatient, as stored. */
  position?: string;
  orientation?: string;
}

export interface SegmentationAnnotation {
  kind: "segmentation";
  organs: AnnotatedOrgan[];
  rows: number;
  columns: number;
  /** Bits of a pixel: 1, 8 or 16. */
  bits: number;
  /** PixelSpacing as stored; undefined if it is not said. */
  pixelSpacing?: string;
  frames: AnnotationFrame[];
  pixels: Uint8Array;
}

/** A closed contour. */
export interface AnnotationContour {
  /** Number of its region of interest. */
  roi: number;
  reference?: ImageReference;
  /** Place of its points in `text`, as decimal strings. */
  offset: number;
  length: number;
}

export interface StructureSetAnnotation {
  kind: "structure set";
  organs: AnnotatedOrgan[];
  contours: AnnotationContour[];
  text: Uint8Array;
}

export type Annotation = SegmentationAnnotation | StructureSetAnnotation;
