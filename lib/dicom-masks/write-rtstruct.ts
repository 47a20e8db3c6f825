/** Masks as an RT structure set (PS3.3 A.19, C.8.8.5, C.8.8.6, C.8.8.8). */
import { callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { asciiOf } from "../dicom/elements.js";
import type { DicomSource } from "../dicom/source.js";
import { sopClass } from "../dicom/uids.js";
import { codeItem } from "../dicom/write/code.js";
import { type Attributes, type Encoding, encodeAttributes } from "../dicom/write/encode.js";
import {
  copiedAttributes,
  cutText,
  dateOf,
  makeUid,
  ownAttributes,
  timeOf,
} from "../dicom/write/identity.js";
import { part10File } from "../dicom/write/part10.js";
import { textEncoding } from "../dicom/write/text-encoding.js";
import { codesOf } from "./codes.js";
import {
  describeSeries,
  type MaskFileOptions,
  type MaskSet,
  outcome,
  paced,
  type WrittenMasks,
} from "./mask-set.js";
import { type Placement, planeFrames } from "./placement.js";
import { imageReference, instanceReferences, seriesUid } from "./references.js";
import { roiNames } from "./roi-names.js";

/** Options of writing a structure set. */
export interface RtStructOptions extends MaskFileOptions {
  /**
   * Holes joined to the contour around them by a channel without width ("keyholes", as the standard has it), or contours of
   * their own ("nested") for readers that combine an organ's contours by XOR.
   */
  holes?: "keyholes" | "nested";
}

/**
 * Implicit value representation: one contour's data may be longer than the 65,534 bytes that an explicit DS can have (note in
 * C.8.8.6).
 */
const implicit = true;

/** An organ with contours. */
interface Region {
  name: string;
  label: number;
  contours: Buffer[][];
}

/** Writes the file, whole, unless no organ has a voxel. @throws OutputError, AbortedError. */
export async function writeRtStructFile(
  path: string,
  set: MaskSet,
  placement: Placement,
  options: RtStructOptions,
): Promise<WrittenMasks> {
  const { source } = placement;
  const encoding: Encoding = { implicit, text: textEncoding(source.attributes) };
  const regions = new Map<number, Region>();
  for (const [index, organ] of set.organs.entries()) {
    const contours = await contoursOf(set, index, placement, encoding, options);
    if (contours.length > 0) regions.set(index, { ...organ, contours });
  }
  const result = outcome(set, new Set(regions.keys()));
  if (!result.written) return result;
  const object = structureSet(source, [...regions.values()], set.note, options);
  const chunks = part10File(object, encoding);
  await callNative(options, (task) => native.writeBytes(path, chunks, task));
  return result;
}

/** Items of a ContourSequence. */
async function contoursOf(
  { handle }: MaskSet,
  organ: number,
  { source, stack }: Placement,
  encoding: Encoding,
  options: RtStructOptions,
): Promise<Buffer[][]> {
  const nested = options.holes === "nested";
  const found = await callNative(options, (task) =>
    native.organContours(handle, organ, stack, planeFrames(source), nested, task),
  );
  const items: Buffer[][] = [];
  const pause = paced();
  let at = 0;
  for (const [index, plane] of found.planes.entries()) {
    await pause();
    const length = found.lengths[index] as number;
    const slice = source.slices[plane];
    if (slice) {
      const contour: Attributes = {
        ContourImageSequence: [imageReference(slice)],
        ContourGeometricType: "CLOSED_PLANAR",
        NumberOfContourPoints: found.points[index],
        ContourNumber: index + 1,
        ContourData: new Uint8Array(found.text, at, length),
      };
      items.push(encodeAttributes(contour, encoding));
    }
    at += length;
  }
  return items;
}

function structureSet(
  source: DicomSource,
  regions: readonly Region[],
  note: string,
  options: RtStructOptions,
): Attributes {
  const { uid = makeUid, now = new Date() } = options;
  const frameOfReference = asciiOf(source.attributes, "FrameOfReferenceUID") ?? "";
  const names = roiNames(regions.map(({ name }) => name));
  const series = {
    modality: "RTSTRUCT",
    number: 9500,
    description: describeSeries("structures", note),
  };
  return {
    ...copiedAttributes(source.attributes),
    ...ownAttributes(source.attributes, series, { uid, now }),
    SOPClassUID: sopClass.structureSet,
    OperatorsName: "",
    StructureSetLabel: "MEDLSAM",
    ...{ StructureSetDate: dateOf(now), StructureSetTime: timeOf(now) },
    ReferencedFrameOfReferenceSequence: [referencedFrame(source, frameOfReference)],
    StructureSetROISequence: regions.map((_, index) => ({
      ROINumber: index + 1,
      ReferencedFrameOfReferenceUID: frameOfReference,
      ROIName: names[index],
      ...(note !== "" && { ROIDescription: cutText(note, 1024) }),
      ROIGenerationAlgorithm: "AUTOMATIC",
    })),
    ROIContourSequence: regions.map(({ name, label, contours }, index) => ({
      ROIDisplayColor: codesOf(name, label, options.codes).color,
      ContourSequence: contours,
      ReferencedROINumber: index + 1,
    })),
    RTROIObservationsSequence: regions.map((region, index) =>
      observation(region, index + 1, options),
    ),
    ApprovalStatus: "UNAPPROVED",
  };
}

/** The study component class, which the standard has retired and systems still expect here. */
const detachedStudy = "1.2.840.10008.3.1.2.3.1";

function referencedFrame(source: DicomSource, frameOfReference: string): Attributes {
  const series: Attributes = {
    SeriesInstanceUID: seriesUid(source),
    ContourImageSequence: instanceReferences(source.slices),
  };
  const study: Attributes = {
    ReferencedSOPClassUID: detachedStudy,
    ReferencedSOPInstanceUID: asciiOf(source.attributes, "StudyInstanceUID") ?? "",
    RTReferencedSeriesSequence: [series],
  };
  return { FrameOfReferenceUID: frameOfReference, RTReferencedStudySequence: [study] };
}

function observation(
  { name, label }: Region,
  number: number,
  { codes }: RtStructOptions,
): Attributes {
  const { type, modifier } = codesOf(name, label, codes);
  const side = modifier && { SegmentedPropertyTypeModifierCodeSequence: [codeItem(modifier)] };
  return {
    ObservationNumber: number,
    ReferencedROINumber: number,
    RTROIIdentificationCodeSequence: [{ ...codeItem(type), ...side }],
    RTROIInterpretedType: "ORGAN",
    ROIInterpreter: "",
  };
}
