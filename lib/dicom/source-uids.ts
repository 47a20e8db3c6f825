/** The UIDs that results may be filed by. */
import { asciiOf } from "./elements.js";
import type { DicomSource } from "./source.js";

/** UIDs of the series that a volume was read from. */
export interface DicomUids {
  studyInstanceUid?: string;
  seriesInstanceUid?: string;
  frameOfReferenceUid?: string;
  /** SOP Instance UIDs of the images, in the order of the volume's z; of a multi-frame image one for each frame. */
  sopInstanceUids: string[];
}

export function sourceUids({ attributes, slices }: DicomSource): DicomUids {
  const studyInstanceUid = asciiOf(attributes, "StudyInstanceUID");
  const seriesInstanceUid = asciiOf(attributes, "SeriesInstanceUID");
  const frameOfReferenceUid = asciiOf(attributes, "FrameOfReferenceUID");
  return {
    ...(studyInstanceUid !== undefined && { studyInstanceUid }),
    ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
    ...(frameOfReferenceUid !== undefined && { frameOfReferenceUid }),
    sopInstanceUids: slices.map(({ sopInstanceUid }) => sopInstanceUid),
  };
}
