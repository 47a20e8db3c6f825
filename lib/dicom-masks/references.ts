/** References to the images of a series. */
import { asciiOf } from "../dicom/elements.js";
import type { DicomSlice, DicomSource } from "../dicom/source.js";
import type { Attributes } from "../dicom/write/encode.js";

/** An item that names an image, and its frame where it has several. */
export function imageReference({ sopClassUid, sopInstanceUid, frame }: DicomSlice): Attributes {
  return {
    ...instanceReference(sopClassUid, sopInstanceUid),
    ...(frame !== undefined && { ReferencedFrameNumber: frame }),
  };
}

function instanceReference(sopClassUid: string, sopInstanceUid: string): Attributes {
  return { ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid };
}

/** An item for every instance that these images are in, once each. */
export function instanceReferences(slices: readonly DicomSlice[]): Attributes[] {
  const classes = new Map(
    slices.map(({ sopClassUid, sopInstanceUid }) => [sopInstanceUid, sopClassUid]),
  );
  return [...classes].map(([instance, sopClass]) => instanceReference(sopClass, instance));
}

export function seriesUid({ attributes }: DicomSource): string {
  return asciiOf(attributes, "SeriesInstanceUID") ?? "";
}
