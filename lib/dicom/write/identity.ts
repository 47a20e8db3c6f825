/** Attributes that file an object under its patient and study, which are copied, and those of its own. */
import { randomUUID } from "node:crypto";
import type { Keyword } from "../dictionary.js";
import { tagOf } from "../dictionary.js";
import { decimalOf } from "../elements.js";
import type { DicomAttributes } from "../source.js";
import type { Attributes } from "./encode.js";
import { textEncoding } from "./text-encoding.js";

/** Parts of an object that differ from run to run; tests give their own. */
export interface Provenance {
  /** Gives a UID that no other object has; by default `2.25.` and a random UUID (PS3.5 B.2). */
  uid?: () => string;
  /** Date and time of the object; now by default. */
  now?: Date;
}

/** Required to be there, empty if the source has none (type 2). */
const required = [
  ...["StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"],
  ...["PatientName", "PatientID", "PatientBirthDate", "PatientSex"],
  ...["StudyID", "PositionReferenceIndicator"],
] as const satisfies Keyword[];

const copied = [
  ...["StudyDescription", "IssuerOfPatientID", "PatientIdentityRemoved"],
  ...["DeidentificationMethod", "DeidentificationMethodCodeSequence", "BodyPartExamined"],
  ...["StudyInstanceUID", "FrameOfReferenceUID", "LongitudinalTemporalInformationModified"],
] as const satisfies Keyword[];

/** Patient, study and frame of reference of a source, as they are. Nothing else of it may reach an output. */
export function copiedAttributes(source: DicomAttributes): Attributes {
  const values: { [Name in Keyword]?: Attributes[Name] } = {
    SpecificCharacterSet: textEncoding(source).charset,
  };
  for (const name of required) values[name] = source.get(tagOf(name)) ?? "";
  for (const name of copied) values[name] = source.get(tagOf(name));
  values.DeidentificationMethodCodeSequence = codesAlone(values.DeidentificationMethodCodeSequence);
  return values;
}

/** A code sequence without anything that is not of the code sequence macro (PS3.3 8.8). */
function codesAlone(element: Attributes[Keyword]): Attributes[Keyword] {
  if (element === undefined || !(typeof element === "object" && "vr" in element)) return undefined;
  const items = element.items?.map(
    (item) => new Map([...item].filter(([tag]) => /^000801[01]\w$/.test(tag))),
  );
  return items?.length ? { vr: "SQ", items } : undefined;
}

/** Attributes of a series and its equipment that are this package's own. */
export function ownAttributes(
  source: DicomAttributes,
  series: { modality: string; number: number; description: string },
  { uid = makeUid, now = new Date() }: Provenance,
): Attributes {
  return {
    SOPInstanceUID: uid(),
    SeriesInstanceUID: uid(),
    Modality: series.modality,
    SeriesNumber: series.number + seriesNumber(source),
    SeriesDescription: cutText(series.description, 64),
    InstanceNumber: 1,
    Manufacturer: "medlsam",
    ManufacturerModelName: "MedLSAM",
    DeviceSerialNumber: "0",
    SoftwareVersions: "medlsam",
    ...{ InstanceCreationDate: dateOf(now), InstanceCreationTime: timeOf(now) },
  };
}

/** The source's SeriesNumber, 0 for none that is a small whole number. */
function seriesNumber(source: DicomAttributes): number {
  const number = decimalOf(source, "SeriesNumber") ?? 0;
  return Number.isInteger(number) && number >= 0 && number < 1e9 ? number : 0;
}

export function makeUid(): string {
  return `2.25.${BigInt(`0x${randomUUID().replaceAll("-", "")}`)}`;
}

const two = (part: number) => String(part).padStart(2, "0");

/** A DA, in local time as the study's dates are. */
export function dateOf(now: Date): string {
  return `${String(now.getFullYear()).padStart(4, "0")}${two(now.getMonth() + 1)}${two(now.getDate())}`;
}

/** A TM. */
export function timeOf(now: Date): string {
  return two(now.getHours()) + two(now.getMinutes()) + two(now.getSeconds());
}

/** Text of at most so many characters without control characters and backslashes, which separate values. */
export function cutText(text: string, characters: number): string {
  const plain = text.replace(/[\p{Cc}\\]+/gu, " ").trim();
  return [...plain].slice(0, characters).join("").trim();
}
