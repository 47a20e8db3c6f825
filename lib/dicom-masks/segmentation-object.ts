/** The data set of a DICOM segmentation (PS3.3 A.51, C.8.20), without its pixels. */
import { tagOf } from "../dicom/dictionary.js";
import type { DicomSource } from "../dicom/source.js";
import { sopClass } from "../dicom/uids.js";
import { codeItem, dicomCode } from "../dicom/write/code.js";
import {
  type Attributes,
  decimalString,
  type Encoding,
  encodeAttributes,
} from "../dicom/write/encode.js";
import {
  copiedAttributes,
  cutText,
  dateOf,
  makeUid,
  ownAttributes,
  timeOf,
} from "../dicom/write/identity.js";
import { codesOf } from "./codes.js";
import { cieLab } from "./color.js";
import { describeSeries, type MaskFileOptions, type MaskSet, paced } from "./mask-set.js";
import { imageReference, instanceReferences, seriesUid } from "./references.js";

/** Kind of a segmentation: a frame for each organ and image, or one frame of labels for each image. */
export type SegmentationType = "BINARY" | "LABELMAP";

/** One frame. */
export interface SegmentFrame {
  /** Number of its segment; undefined where a frame holds the labels of all. */
  segment?: number;
  /** Index of its image. */
  plane: number;
}

/** The content of the object. */
export interface SegmentationContent {
  type: SegmentationType;
  /** The organs in the order of their segments, from 1. */
  organs: MaskSet["organs"];
  note: string;
  frames: readonly SegmentFrame[];
  overlap: boolean;
  bits: number;
}

export async function segmentationObject(
  source: DicomSource,
  content: SegmentationContent,
  encoding: Encoding,
  options: MaskFileOptions,
): Promise<Attributes> {
  const { uid = makeUid, now = new Date() } = options;
  const { type, frames, bits, note } = content;
  const labelMap = type === "LABELMAP";
  const shown = [...new Set(frames.map(({ plane }) => plane))].sort((a, b) => a - b);
  const slices = shown.flatMap((plane) => source.slices[plane] ?? []);
  const organization = uid();
  const series = {
    modality: "SEG",
    number: 9000,
    description: describeSeries("segmentation", note),
  };
  return {
    ...copiedAttributes(source.attributes),
    ...ownAttributes(source.attributes, series, { uid, now }),
    SOPClassUID: labelMap ? sopClass.labelMapSegmentation : sopClass.segmentation,
    ImageType: "DERIVED\\PRIMARY",
    ContentDate: dateOf(now),
    ContentTime: timeOf(now),
    ContentLabel: "MEDLSAM",
    ContentDescription: "Organs, segmented automatically",
    ContentCreatorName: "",
    SamplesPerPixel: 1,
    PhotometricInterpretation: "MONOCHROME2",
    NumberOfFrames: frames.length,
    ...{ Rows: source.rows, Columns: source.columns },
    ...{ BitsAllocated: bits, BitsStored: bits, HighBit: bits - 1, PixelRepresentation: 0 },
    ...(labelMap && { PixelPaddingValue: 0 }),
    ...lossyCompression(source),
    SegmentationType: type,
    SegmentsOverlap: content.overlap ? "YES" : "NO",
    SegmentSequence: segments(content, options),
    ReferencedSeriesSequence: [
      {
        SeriesInstanceUID: seriesUid(source),
        ReferencedInstanceSequence: instanceReferences(slices),
      },
    ],
    DimensionOrganizationSequence: [{ DimensionOrganizationUID: organization }],
    DimensionIndexSequence: dimensions(labelMap, organization),
    SharedFunctionalGroupsSequence: [sharedGroups(source)],
    PerFrameFunctionalGroupsSequence: await frameItems(source, frames, shown, encoding),
  };
}

/** Whether lossy compression ever touched the pixels; a ratio and a method if the source says them. */
function lossyCompression({ lossy, attributes }: DicomSource): Attributes {
  if (!lossy) return { LossyImageCompression: "00" };
  return {
    LossyImageCompression: "01",
    LossyImageCompressionRatio: attributes.get(tagOf("LossyImageCompressionRatio")),
    LossyImageCompressionMethod: attributes.get(tagOf("LossyImageCompressionMethod")),
  };
}

function segments(
  { type, organs, note }: SegmentationContent,
  { codes }: MaskFileOptions,
): Attributes[] {
  const algorithm: Attributes = {
    SegmentAlgorithmType: "AUTOMATIC",
    SegmentAlgorithmName: "MedLSAM",
    ...(note !== "" && { SegmentDescription: cutText(note, 1024) }),
  };
  const found = organs.map(({ name, label }, index): Attributes => {
    const { category, type: property, modifier, color } = codesOf(name, label, codes);
    const side = modifier && { SegmentedPropertyTypeModifierCodeSequence: [codeItem(modifier)] };
    return {
      ...algorithm,
      SegmentNumber: index + 1,
      SegmentLabel: cutText(name, 64),
      SegmentedPropertyCategoryCodeSequence: [codeItem(category)],
      SegmentedPropertyTypeCodeSequence: [{ ...codeItem(property), ...side }],
      RecommendedDisplayCIELabValue: cieLab(color),
    };
  });
  if (type === "BINARY") return found;
  // Every value in the pixels is described, that of no organ as well (PS3.3 C.8.20.2.3.3).
  const background = [dicomCode("125040", "Background")];
  return [
    {
      ...algorithm,
      SegmentNumber: 0,
      SegmentLabel: "background",
      SegmentedPropertyCategoryCodeSequence: background,
      SegmentedPropertyTypeCodeSequence: background,
      RecommendedDisplayCIELabValue: cieLab([0, 0, 0]),
    },
    ...found,
  ];
}

function dimensions(labelMap: boolean, organization: string): Attributes[] {
  const bySegment: Attributes = {
    DimensionOrganizationUID: organization,
    DimensionIndexPointer: tagOf("ReferencedSegmentNumber"),
    FunctionalGroupPointer: tagOf("SegmentIdentificationSequence"),
    DimensionDescriptionLabel: "Segment",
  };
  const byPosition: Attributes = {
    DimensionOrganizationUID: organization,
    DimensionIndexPointer: tagOf("ImagePositionPatient"),
    FunctionalGroupPointer: tagOf("PlanePositionSequence"),
    DimensionDescriptionLabel: "Position",
  };
  return labelMap ? [byPosition] : [bySegment, byPosition];
}

/** SliceThickness is the slices' distance, too: dcmqi builds its grid with it. */
function sharedGroups(source: DicomSource): Attributes {
  const step = decimalString(source.sliceSpacing);
  return {
    PixelMeasuresSequence: [
      { PixelSpacing: source.pixelSpacing, SliceThickness: step, SpacingBetweenSlices: step },
    ],
    PlaneOrientationSequence: [{ ImageOrientationPatient: source.imageOrientation }],
  };
}

/** @param shown the images that frames are of, in order: a frame's position index is its rank among them, from 1. */
async function frameItems(
  source: DicomSource,
  frames: readonly SegmentFrame[],
  shown: readonly number[],
  encoding: Encoding,
): Promise<Buffer[][]> {
  const rank = new Map(shown.map((plane, index) => [plane, index + 1]));
  const derivations = new Map<number, Attributes>();
  const items: Buffer[][] = [];
  const pause = paced();
  for (const { segment, plane } of frames) {
    await pause();
    const slice = source.slices[plane];
    if (!slice) continue;
    const derivation = derivations.get(plane) ?? derivationOf(imageReference(slice));
    derivations.set(plane, derivation);
    const position = rank.get(plane) as number;
    const group: Attributes = {
      FrameContentSequence: [
        { DimensionIndexValues: segment === undefined ? position : [segment, position] },
      ],
      PlanePositionSequence: [{ ImagePositionPatient: slice.imagePosition }],
      ...(segment !== undefined && {
        SegmentIdentificationSequence: [{ ReferencedSegmentNumber: segment }],
      }),
      DerivationImageSequence: [derivation],
    };
    items.push(encodeAttributes(group, encoding));
  }
  return items;
}

function derivationOf(reference: Attributes): Attributes {
  return {
    DerivationCodeSequence: [dicomCode("113076", "Segmentation")],
    SourceImageSequence: [
      {
        ...reference,
        SpatialLocationsPreserved: "YES",
        PurposeOfReferenceCodeSequence: [
          dicomCode("121322", "Source image for image processing operation"),
        ],
      },
    ],
  };
}
