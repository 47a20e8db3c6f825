/** A DICOM series with a marker in every attribute that is not needed to place and read its slices. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDataSet } from "../../lib/dicom/data-set.js";
import { type Keyword, tagOf } from "../../lib/dicom/dictionary.js";
import { conformance } from "./data.js";

const needed = new Set(
  (
    [
      ...["TransferSyntaxUID", "SOPClassUID", "Modality", "ImageType", "ImagePositionPatient"],
      ...["ImageOrientationPatient", "SamplesPerPixel", "PhotometricInterpretation", "Rows"],
      ...["Columns", "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit"],
      ...["PixelRepresentation", "RescaleIntercept", "RescaleSlope", "RescaleType"],
    ] as Keyword[]
  ).map(tagOf),
);

/** Attributes that the conformance data lack: value representation by tag. */
const more: Record<string, string> = {
  "00080080": "LO", // InstitutionName
  "00080081": "ST", // InstitutionAddress
  "00080090": "PN", // ReferringPhysicianName
  "00081010": "SH", // StationName
  "00081030": "LO", // StudyDescription
  "0008103e": "LO", // SeriesDescription
  "00081040": "LO", // InstitutionalDepartmentName
  "00081050": "PN", // PerformingPhysicianName
  "00081070": "PN", // OperatorsName
  "00091001": "LO", // of a private group
  "00100010": "PN", // PatientName
  "00100020": "LO", // PatientID
  "00100030": "DA", // PatientBirthDate
  "00101010": "AS", // PatientAge
  "00101040": "LO", // PatientAddress
  "00104000": "LT", // PatientComments
  "00181000": "LO", // DeviceSerialNumber
  "00181030": "LO", // ProtocolName
  "00200010": "SH", // StudyID
  "00204000": "LT", // ImageComments
  "00321060": "LO", // RequestedProcedureDescription
  "00080092": "ST", // ReferringPhysicianAddress
  "00081048": "PN", // PhysiciansOfRecord
  "00081060": "PN", // NameOfPhysiciansReadingStudy
  "00082111": "ST", // DerivationDescription
  "00100021": "LO", // IssuerOfPatientID
  "00101000": "LO", // OtherPatientIDs
  "00101001": "PN", // OtherPatientNames
  "00101060": "PN", // PatientMotherBirthName
  "00102154": "SH", // PatientTelephoneNumbers
  "00102160": "SH", // EthnicGroup
  "00102180": "SH", // Occupation
  "001021b0": "LT", // AdditionalPatientHistory
  "00120063": "LO", // DeidentificationMethod
  "00181400": "LO", // AcquisitionDeviceProcessingDescription
  "00201040": "LO", // PositionReferenceIndicator
  "00321032": "PN", // RequestingPhysician
  "00400241": "AE", // PerformedStationAETitle
  "00400254": "LO", // PerformedProcedureStepDescription
};

/** Sequences of one item that holds a code's value, a comment and a private attribute. */
const sequences = [
  "00081032", // ProcedureCodeSequence
  "00101002", // OtherPatientIDsSequence
  "00120064", // DeidentificationMethodCodeSequence
  "00400275", // RequestAttributesSequence
  "00880200", // IconImageSequence
];

const texts = new Set(["AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT"]);

/** Text that occurs in the attribute alone. */
function marker(tag: string, vr: string): string | undefined {
  if (texts.has(vr)) return `MARK${tag}`;
  if (vr === "UI") return `2.25.770077${Number.parseInt(tag, 16)}`;
  return { DA: "18881122", TM: "112233.774455", DT: "18881122112233", AS: "077Y" }[vr];
}

/** Beginnings of all markers, which no output may hold. */
export const markers = ["MARK0", "770077", "18881122", "112233.77", "077Y"];

/** Writes the planted series of the conformance data's `syntax/explicit` into the folder. */
export function plantSeries(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const source = conformance("dicom/syntax/explicit");
  for (const [index, name] of readdirSync(source).sort().entries()) {
    writeFileSync(join(folder, name), planted(readFileSync(join(source, name)), index));
  }
}

function planted(bytes: Buffer, index: number): Buffer {
  const { attributes, pixelData } = readDataSet(bytes);
  const elements = new Map<string, [vr: string, value: Uint8Array]>();
  for (const [tag, { vr, value }] of attributes) if (value) elements.set(tag, [vr, value]);
  for (const [tag, vr] of Object.entries(more)) elements.set(tag, [vr, new Uint8Array()]);
  for (const [tag, [vr]] of elements) {
    const text = needed.has(tag) ? undefined : marker(tag, vr);
    if (text === undefined) continue;
    // Every image has a UID of its own.
    const own = tag === tagOf("SOPInstanceUID") ? `${text}${index}` : text;
    elements.set(tag, [
      vr,
      Buffer.from(own.length % 2 === 0 ? own : `${own}${vr === "UI" ? "\0" : " "}`),
    ]);
  }
  for (const tag of sequences) elements.set(tag, ["SQ", plantedItem(tag)]);
  const sorted = [...elements].sort(([a], [b]) => (a < b ? -1 : 1));
  const { offset = 0, length = 0 } = pixelData ?? {};
  const pixels = bytes.subarray(offset, offset + length);
  const file: Uint8Array[] = [Buffer.alloc(128), Buffer.from("DICM")];
  for (const [tag, [vr, value]] of sorted) file.push(element(tag, vr, value));
  return Buffer.concat([...file, element(tagOf("PixelData"), "OW", pixels)]);
}

/** The code's value names the sequence, so that it can be told where it came from. */
function plantedItem(sequence: string): Buffer {
  const content = Buffer.concat([
    element("00080100", "SH", Buffer.from(`MARK${sequence}`)),
    element("00091001", "LO", Buffer.from("MARK00091001")),
    element("00104000", "LT", Buffer.from("MARK00104000")),
  ]);
  const head = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}

/** An element in explicit little endian. */
function element(tag: string, vr: string, value: Uint8Array): Buffer {
  const long = ["OB", "OW", "UN", "UT", "SQ"].includes(vr);
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, "latin1");
  if (long) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}
