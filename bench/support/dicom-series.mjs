/** A phantom's CT as a series of DICOM files, in any of the transfer syntaxes of dicom-encoders.mjs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeAttributes, lengthOf } from "../../dist/dicom/write/encode.js";
import { textEncoding } from "../../dist/dicom/write/text-encoding.js";
import { makePhantom } from "../../dist/index.js";

export const seriesShape = [200, 512, 512];
const spacing = [1.5, 0.8, 0.8];
/** So many slices differ, each stands for several of its neighbors: encoding takes longer than the benchmark. */
const distinct = 40;

/** Slices of HU + 1024 in 12 bits: a phantom in the middle, air around it. */
export async function phantomSlices() {
  const { image, labels } = await makePhantom({ seed: 1, spacing: [5, ...spacing.slice(1)] });
  const values = await image.values();
  const [count, rows, columns] = image.shape;
  image.close();
  labels.close();
  const [, height, width] = seriesShape;
  const [top, left] = [(height - rows) >> 1, (width - columns) >> 1];
  return Array.from({ length: distinct }, (_, k) => {
    const slice = new Uint16Array(height * width);
    const z = Math.floor(((k + 0.5) * count) / distinct);
    for (let y = Math.max(0, top); y < Math.min(height, top + rows); y++) {
      for (let x = Math.max(0, left); x < Math.min(width, left + columns); x++) {
        const hu = values[(z * rows + y - top) * columns + x - left];
        slice[y * width + x] = Math.min(4095, Math.max(0, Math.round(hu) + 1024));
      }
    }
    return slice;
  });
}

/** Writes the series into a new folder. @returns its files. */
export async function writeSeries(folder, slices, { uid, make }) {
  mkdirSync(folder);
  const encode = await make?.();
  const [count, rows, columns] = seriesShape;
  const pixels = slices.map((slice) =>
    encode ? encapsulated(encode(slice, rows, columns)) : native(slice),
  );
  return Array.from({ length: count }, (_, z) => {
    const path = join(folder, `${z}.dcm`);
    const chunks = [...head(z, uid), ...pixels[Math.floor((z * distinct) / count)]];
    writeFileSync(path, Buffer.concat(chunks));
    return path;
  });
}

function head(z, transferSyntax) {
  const text = { implicit: false, text: textEncoding(new Map()) };
  const instance = `2.25.1000${z}`;
  const ct = "1.2.840.10008.5.1.4.1.1.2";
  const meta = encodeAttributes(
    {
      FileMetaInformationVersion: Uint8Array.of(0, 1),
      MediaStorageSOPClassUID: ct,
      MediaStorageSOPInstanceUID: instance,
      TransferSyntaxUID: transferSyntax,
      ImplementationClassUID: "2.25.1",
    },
    text,
  );
  const [, rows, columns] = seriesShape;
  const dataSet = {
    ImageType: "ORIGINAL\\PRIMARY\\AXIAL",
    ...{ SOPClassUID: ct, SOPInstanceUID: instance, Modality: "CT", PatientID: "BENCH" },
    ...{ StudyInstanceUID: "2.25.2", SeriesInstanceUID: "2.25.3", FrameOfReferenceUID: "2.25.4" },
    ...{ SeriesNumber: 1, InstanceNumber: z + 1, SliceThickness: String(spacing[0]) },
    ImagePositionPatient: `-204.8\\-204.8\\${z * spacing[0]}`,
    ImageOrientationPatient: "1\\0\\0\\0\\1\\0",
    ...{
      SamplesPerPixel: 1,
      PhotometricInterpretation: "MONOCHROME2",
      Rows: rows,
      Columns: columns,
    },
    PixelSpacing: `${spacing[1]}\\${spacing[2]}`,
    ...{ BitsAllocated: 16, BitsStored: 12, HighBit: 11, PixelRepresentation: 0 },
    ...{ RescaleIntercept: "-1024", RescaleSlope: "1", RescaleType: "HU" },
  };
  const length = Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0, 0, 0, 0, 0]); // (0002,0000) UL
  length.writeUInt32LE(lengthOf(meta), 8);
  const start = [Buffer.alloc(128), Buffer.from("DICM"), length];
  return [...start, ...meta, ...encodeAttributes(dataSet, text)];
}

function native(slice) {
  return [pixelData(slice.byteLength), Buffer.from(slice.buffer)];
}

/** One fragment after an empty offset table. */
function encapsulated(stream) {
  const padding = Buffer.alloc(stream.length % 2);
  return [
    pixelData(0xffffffff),
    item(0xe000, 0),
    item(0xe000, stream.length + padding.length),
    stream,
    padding,
    item(0xe0dd, 0),
  ];
}

function pixelData(length) {
  const element = Buffer.from([
    0xe0,
    0x7f,
    0x10,
    0,
    0x4f,
    length === 0xffffffff ? 0x42 : 0x57,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  element.writeUInt32LE(length, 8);
  return element;
}

function item(tag, length) {
  const bytes = Buffer.from([0xfe, 0xff, 0, 0, 0, 0, 0, 0]);
  bytes.writeUInt16LE(tag, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}
