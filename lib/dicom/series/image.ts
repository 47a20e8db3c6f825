/** Facts of one DICOM file that choosing a series and placing its slices need: plain values, which workers can send. */
import type { DicomDataSet } from "../data-set.js";
import type { Keyword } from "../dictionary.js";
import { asciiOf, codesOf, decimalOf, integerOf, itemsOf, textOf } from "../elements.js";
import type { ByteSource, FileRef } from "../files/file-ref.js";
import { BadPixels, type FragmentPlaces, framePlaces } from "../pixels/frame-places.js";
import type { DicomAttributes } from "../source.js";
import { ctClasses, otherImageClasses, sopClass, transferSyntax } from "../uids.js";

/** Images of one file, and what they have in common. */
export interface ImageFacts {
  file: FileRef;
  transferSyntaxUid: string;
  sopClassUid: string;
  sopInstanceUid: string;
  seriesUid: string;
  modality: string;
  seriesNumber?: string;
  description?: string;
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  signed: boolean;
  padding?: number;
  paddingLimit?: number;
  lossy: boolean;
  hasModalityLut: boolean;
  frames: FrameFacts[];
  /** The fault that keeps its pixels from being read. */
  fault?: string;
  /** Offset in the file `file.path` that the frames' places count from; missing where the pixels must be inflated first. */
  base?: number;
}

/** One slice: a single-frame image, or a frame. Decimals are as they are stored. */
export interface FrameFacts {
  /** From 1; missing in a single-frame image. */
  number?: number;
  position: string;
  orientation: string;
  spacing: string;
  slope?: number;
  intercept?: number;
  rescaleType?: string;
  stack: string;
  /** Values that tell phases apart, in the order of {@link phaseAttributes}. */
  phases: (string | undefined)[];
  /** Where its pixels lie. */
  places: FragmentPlaces;
}

/** Attributes that may split a series into phases, the first that does so. */
export const phaseAttributes = [
  "AcquisitionNumber",
  "TemporalPositionIdentifier",
  "TemporalPositionIndex",
  "TriggerTime",
  "AcquisitionTime",
  "ContentTime",
] as const satisfies readonly Keyword[];

/** The outcome of looking into a file. */
export type FileFacts =
  /** Not DICOM. */
  | { kind: "other" }
  /** A DICOMDIR. */
  | { kind: "directory" }
  /** DICOM that cannot be read. */
  | { kind: "bad"; reason: string }
  /** DICOM, but no image that a volume is made of: what it is, for people. */
  | { kind: "object"; what: string; modality: string; seriesUid: string }
  | { kind: "image"; image: ImageFacts };

/** @param source where the pixels lie: the file, or its inflated bytes. */
export function fileFacts(file: FileRef, dataSet: DicomDataSet, source: ByteSource): FileFacts {
  const data = dataSet.attributes;
  const sopClassUid = asciiOf(data, "SOPClassUID") ?? "";
  const modality = asciiOf(data, "Modality") ?? "";
  if (sopClassUid === sopClass.mediaStorageDirectory || data.has("00041220")) {
    return { kind: "directory" };
  }
  const seriesUid = asciiOf(data, "SeriesInstanceUID") ?? "";
  const what = objectKind(data, sopClassUid, modality);
  if (what !== undefined) return { kind: "object", what, modality, seriesUid };
  return { kind: "image", image: imageFacts(file, dataSet, source, { sopClassUid, modality }) };
}

const kinds: Readonly<Record<string, string>> = {
  [sopClass.segmentation]: "segmentation",
  [sopClass.labelMapSegmentation]: "segmentation",
  [sopClass.structureSet]: "structure set",
};

/** The kind of an object that is no image of a scan; undefined for one that is. */
function objectKind(
  data: DicomAttributes,
  sopClassUid: string,
  modality: string,
): string | undefined {
  const known = kinds[sopClassUid];
  if (known !== undefined) return known;
  if (/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.7(\.|$)/.test(sopClassUid)) return "secondary capture";
  if (/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.481\./.test(sopClassUid)) return "radiotherapy object";
  if (/^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\./.test(sopClassUid)) return "report";
  if (codesOf(data, "ImageType").includes("LOCALIZER")) return "localizer";
  const isImage =
    ctClasses.has(sopClassUid) ||
    otherImageClasses.has(sopClassUid) ||
    (sopClassUid === "" && /^(CT|MR|PT)$/.test(modality));
  if (!isImage) return "other object";
  return (integerOf(data, "SamplesPerPixel") ?? 1) === 1 ? undefined : "color image";
}

function imageFacts(
  file: FileRef,
  dataSet: DicomDataSet,
  source: ByteSource,
  common: Pick<ImageFacts, "sopClassUid" | "modality">,
): ImageFacts {
  const data = dataSet.attributes;
  const signed = integerOf(data, "PixelRepresentation") === 1;
  const bitsAllocated = integerOf(data, "BitsAllocated") ?? 0;
  const bitsStored = integerOf(data, "BitsStored") ?? bitsAllocated;
  const facts: ImageFacts = {
    ...common,
    file,
    transferSyntaxUid: dataSet.transferSyntaxUid,
    sopInstanceUid: asciiOf(data, "SOPInstanceUID") ?? "",
    seriesUid: asciiOf(data, "SeriesInstanceUID") ?? "",
    seriesNumber: asciiOf(data, "SeriesNumber"),
    description: textOf(data, "SeriesDescription"),
    rows: integerOf(data, "Rows") ?? 0,
    columns: integerOf(data, "Columns") ?? 0,
    samplesPerPixel: integerOf(data, "SamplesPerPixel") ?? 1,
    bitsAllocated,
    bitsStored,
    highBit: integerOf(data, "HighBit") ?? bitsStored - 1,
    signed,
    padding: integerOf(data, "PixelPaddingValue", signed),
    paddingLimit: integerOf(data, "PixelPaddingRangeLimit", signed),
    lossy: asciiOf(data, "LossyImageCompression") === "01",
    hasModalityLut: itemsOf(data, "ModalityLUTSequence").length > 0,
    frames: frameFacts(data),
    ...(source.base !== undefined && { base: source.base }),
  };
  try {
    placePixels(facts, dataSet, source);
  } catch (error) {
    if (!(error instanceof BadPixels)) throw error;
    facts.fault = error.message;
  }
  return facts;
}

function placePixels(facts: ImageFacts, dataSet: DicomDataSet, source: ByteSource): void {
  const { rows, columns, bitsAllocated, bitsStored, frames } = facts;
  const syntax = transferSyntax(facts.transferSyntaxUid);
  if (syntax.coding === undefined) {
    throw new BadPixels(
      `its transfer syntax ${facts.transferSyntaxUid} (${syntax.name}) cannot be read. Convert the files first: gdcmconv --raw IN OUT`,
    );
  }
  if (![8, 16, 32].includes(bitsAllocated) || bitsStored < 1 || bitsStored > bitsAllocated) {
    throw new BadPixels(
      `its BitsAllocated ${bitsAllocated} with BitsStored ${bitsStored} cannot be read`,
    );
  }
  if (rows < 1 || columns < 1) throw new BadPixels(`its size of ${rows} × ${columns} is not one`);
  if (frames.length === 0) {
    throw new BadPixels("its NumberOfFrames does not agree with its functional groups");
  }
  const size = { rows, columns, bitsAllocated, frames: frames.length };
  for (const [i, places] of framePlaces(source, dataSet, size, syntax.coding).entries()) {
    (frames[i] as FrameFacts).places = places;
  }
}

/** The frames as their functional groups say, or the image itself; none if NumberOfFrames contradicts them. */
function frameFacts(data: DicomAttributes): FrameFacts[] {
  const count = integerOf(data, "NumberOfFrames") ?? 1;
  const perFrame = itemsOf(data, "PerFrameFunctionalGroupsSequence");
  const [shared] = itemsOf(data, "SharedFunctionalGroupsSequence");
  if (perFrame.length === 0 && shared === undefined) {
    return count === 1 ? [oneFrame([data])] : [];
  }
  if (perFrame.length !== count) return [];
  return perFrame.map((own, i) => ({
    number: i + 1,
    ...oneFrame([...groupsOf(own), ...(shared ? groupsOf(shared) : []), data]),
  }));
}

const groups = [
  "PlanePositionSequence",
  "PlaneOrientationSequence",
  "PixelMeasuresSequence",
  "PixelValueTransformationSequence",
  "FrameContentSequence",
] as const satisfies readonly Keyword[];

function groupsOf(item: DicomAttributes): DicomAttributes[] {
  return groups.flatMap((group) => itemsOf(item, group).slice(0, 1));
}

/** A frame's facts, each from the first of the data sets that has it. */
function oneFrame(from: readonly DicomAttributes[]): FrameFacts {
  const first = <T>(read: (data: DicomAttributes) => T | undefined): T | undefined => {
    for (const data of from) {
      const found = read(data);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const text = (keyword: Keyword) => first((data) => asciiOf(data, keyword));
  const phase = (keyword: Keyword) =>
    first((data) => integerOrText(data, keyword)) ??
    (keyword === "AcquisitionNumber" ? integerText(first, "FrameAcquisitionNumber") : undefined);
  return {
    position: text("ImagePositionPatient") ?? "",
    orientation: text("ImageOrientationPatient") ?? "",
    spacing: text("PixelSpacing") ?? "",
    slope: first((data) => decimalOf(data, "RescaleSlope")),
    intercept: first((data) => decimalOf(data, "RescaleIntercept")),
    rescaleType: text("RescaleType"),
    stack: text("StackID") ?? "",
    phases: phaseAttributes.map(phase),
    places: [],
  };
}

type First = <T>(read: (data: DicomAttributes) => T | undefined) => T | undefined;

function integerText(first: First, keyword: Keyword): string | undefined {
  return first((data) => integerOrText(data, keyword));
}

function integerOrText(data: DicomAttributes, keyword: Keyword): string | undefined {
  if (keyword !== "TemporalPositionIndex" && keyword !== "FrameAcquisitionNumber") {
    return asciiOf(data, keyword);
  }
  return integerOf(data, keyword)?.toString();
}
