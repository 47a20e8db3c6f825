/** UIDs that the DICOM standard gives (PS3.6 annex A): transfer syntaxes, and the classes of images that make a volume. */

/** How the pixels of a transfer syntax are coded. */
export type PixelCoding =
  | "native"
  | "bigEndian"
  | "rle"
  | "jpegLossless"
  | "jpegLs"
  | "jpeg2000"
  | "htj2k";

export interface TransferSyntax {
  name: string;
  /** Missing for one that cannot be read. */
  coding?: PixelCoding;
  implicit?: true;
  deflated?: true;
}

export const implicitLittleEndian = "1.2.840.10008.1.2";
export const explicitLittleEndian = "1.2.840.10008.1.2.1";
export const explicitBigEndian = "1.2.840.10008.1.2.2";

const jpeg = "1.2.840.10008.1.2.4";

const transferSyntaxes: Readonly<Record<string, TransferSyntax>> = {
  [implicitLittleEndian]: {
    name: "Implicit VR Little Endian",
    coding: "native",
    implicit: true,
  },
  [explicitLittleEndian]: { name: "Explicit VR Little Endian", coding: "native" },
  [explicitBigEndian]: { name: "Explicit VR Big Endian", coding: "bigEndian" },
  "1.2.840.10008.1.2.1.99": {
    name: "Deflated Explicit VR Little Endian",
    coding: "native",
    deflated: true,
  },
  "1.2.840.10008.1.2.5": { name: "RLE Lossless", coding: "rle" },
  [`${jpeg}.57`]: { name: "JPEG Lossless, Non-Hierarchical", coding: "jpegLossless" },
  [`${jpeg}.70`]: { name: "JPEG Lossless, First-Order Prediction", coding: "jpegLossless" },
  [`${jpeg}.80`]: { name: "JPEG-LS Lossless", coding: "jpegLs" },
  [`${jpeg}.81`]: { name: "JPEG-LS Lossy (Near-Lossless)", coding: "jpegLs" },
  [`${jpeg}.90`]: { name: "JPEG 2000 Lossless", coding: "jpeg2000" },
  [`${jpeg}.91`]: { name: "JPEG 2000", coding: "jpeg2000" },
  [`${jpeg}.201`]: { name: "High-Throughput JPEG 2000 Lossless", coding: "htj2k" },
  [`${jpeg}.202`]: { name: "High-Throughput JPEG 2000 with RPCL Lossless", coding: "htj2k" },
  [`${jpeg}.203`]: { name: "High-Throughput JPEG 2000", coding: "htj2k" },
  [`${jpeg}.50`]: { name: "JPEG Baseline (8 bit)" },
  [`${jpeg}.51`]: { name: "JPEG Extended (12 bit)" },
  [`${jpeg}.92`]: { name: "JPEG 2000 Part 2 Multi-component Lossless" },
  [`${jpeg}.93`]: { name: "JPEG 2000 Part 2 Multi-component" },
  [`${jpeg}.94`]: { name: "JPIP Referenced" },
  [`${jpeg}.95`]: { name: "JPIP Referenced Deflate" },
  [`${jpeg}.100`]: { name: "MPEG2 Main Profile / Main Level" },
  [`${jpeg}.102`]: { name: "MPEG-4 AVC/H.264 High Profile / Level 4.1" },
  [`${jpeg}.110`]: { name: "JPEG XL Lossless" },
  [`${jpeg}.112`]: { name: "JPEG XL" },
};

/** A transfer syntax by its UID; one that the table lacks has the UID's kind for a name and no coding. */
export function transferSyntax(uid: string): TransferSyntax {
  return transferSyntaxes[uid] ?? { name: "an unknown transfer syntax" };
}

/** SOP classes (PS3.6 annex A). */
export const sopClass = {
  ct: "1.2.840.10008.5.1.4.1.1.2",
  enhancedCt: "1.2.840.10008.5.1.4.1.1.2.1",
  legacyConvertedEnhancedCt: "1.2.840.10008.5.1.4.1.1.2.2",
  mr: "1.2.840.10008.5.1.4.1.1.4",
  enhancedMr: "1.2.840.10008.5.1.4.1.1.4.1",
  legacyConvertedEnhancedMr: "1.2.840.10008.5.1.4.1.1.4.4",
  pet: "1.2.840.10008.5.1.4.1.1.128",
  enhancedPet: "1.2.840.10008.5.1.4.1.1.130",
  legacyConvertedEnhancedPet: "1.2.840.10008.5.1.4.1.1.128.1",
  segmentation: "1.2.840.10008.5.1.4.1.1.66.4",
  labelMapSegmentation: "1.2.840.10008.5.1.4.1.1.66.7",
  structureSet: "1.2.840.10008.5.1.4.1.1.481.3",
  mediaStorageDirectory: "1.2.840.10008.1.3.10",
} as const;

/** SOP classes of CT images, which a scan is made of. */
export const ctClasses: ReadonlySet<string> = new Set([
  sopClass.ct,
  sopClass.enhancedCt,
  sopClass.legacyConvertedEnhancedCt,
]);

/** SOP classes that "any" modality takes besides. */
export const otherImageClasses: ReadonlySet<string> = new Set([
  sopClass.mr,
  sopClass.enhancedMr,
  sopClass.legacyConvertedEnhancedMr,
  sopClass.pet,
  sopClass.enhancedPet,
  sopClass.legacyConvertedEnhancedPet,
]);
