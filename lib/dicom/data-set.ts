/** Data sets and Part 10 files (PS3.5, PS3.10), their elements by dicom-parser; pixel data are found, not read. */
import { createRequire } from "node:module";
import { constants, inflateRawSync } from "node:zlib";
import type { ByteStream, DataSet, Element } from "dicom-parser";
import { InputError } from "../base/errors.js";
import { vrOf } from "./dictionary.js";
import type { DicomAttributes, DicomElement } from "./source.js";
import { explicitLittleEndian, implicitLittleEndian, transferSyntax } from "./uids.js";

// Its types declare no default export, which is all that an import sees of its bundle.
const parser = createRequire(import.meta.url)("dicom-parser") as typeof import("dicom-parser");

/** Where the pixel data lie in {@link DicomDataSet.bytes}. */
export interface PixelDataPlace {
  /** Offset of the value's first byte: of the offset table's item where the pixels are encapsulated. */
  offset: number;
  /** Bytes of the value; undefined where the pixels are encapsulated, whose end is found by their items. */
  length: number | undefined;
}

export interface DicomDataSet {
  transferSyntaxUid: string;
  /** All elements before the pixel data, with the file meta information. */
  attributes: DicomAttributes;
  pixelData?: PixelDataPlace;
  /** The file, but inflated where its data set is deflated. */
  bytes: Uint8Array;
}

/** The bytes end before the data set's elements do, up to the pixel data. */
export class CutShort extends Error {}

export interface DataSetOptions {
  /** The file's name in messages. */
  name?: string;
  /** Most bytes that a deflated data set may have; 2 GB by default. */
  maxBytes?: number;
}

const undefinedLength = 0xffffffff;
const defaultMaxBytes = 2 ** 31;

/**
 * The data set of a Part 10 file, or of one that lacks preamble and meta information (see {@link looksLikeDicom}).
 * @throws InputError `BAD_VOLUME` for bytes that are no data set or end within one.
 */
export function readDataSet(bytes: Uint8Array, options: DataSetOptions = {}): DicomDataSet {
  const { name = "the DICOM file" } = options;
  try {
    const dataSet = parseDataSet(bytes, options);
    const { offset, length = 0 } = dataSet.pixelData ?? { offset: 0 };
    if (offset + length > dataSet.bytes.length) throw new CutShort("pixel data");
    return dataSet;
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const why = cause instanceof CutShort ? "it ends early" : "its data set is damaged";
    throw new InputError(
      "BAD_VOLUME",
      `${name}: it cannot be read as DICOM: ${why}. Copy it again from where it came from.`,
      { cause },
    );
  }
}

/** As {@link readDataSet}, but for the start of a file, too. @throws CutShort, or whatever a damaged data set gives rise to. */
export function parseDataSet(bytes: Uint8Array, options: DataSetOptions = {}): DicomDataSet {
  const elements = new Map<string, DicomElement>();
  const start = readMeta(bytes, elements);
  const meta = elements.get("00020010")?.value;
  const transferSyntaxUid = meta ? uidText(meta) : start.assumed;
  if (transferSyntaxUid === undefined) throw new Error("no transfer syntax");
  const { implicit = false, deflated = false, coding } = transferSyntax(transferSyntaxUid);
  const all = deflated ? inflate(bytes, start.offset, options) : bytes;
  const byteParser =
    coding === "bigEndian" ? parser.bigEndianByteArrayParser : parser.littleEndianByteArrayParser;
  const stream = new parser.ByteStream(byteParser, all, start.offset);
  const pixelData = readElements(stream, elements, implicit);
  return { transferSyntaxUid, attributes: elements, ...(pixelData && { pixelData }), bytes: all };
}

function uidText(value: Uint8Array): string {
  return Buffer.from(value)
    .toString("latin1")
    .replace(/[\0 ]+$/, "");
}

/** Whether bytes begin as a DICOM file does: with a preamble, or with a data set of group 0002 or 0008. */
export function looksLikeDicom(start: Uint8Array): boolean {
  return hasPreamble(start) || assumedSyntax(start) !== undefined;
}

export function hasPreamble(start: Uint8Array): boolean {
  return start.length >= 132 && Buffer.from(start.subarray(128, 132)).toString("latin1") === "DICM";
}

/** The transfer syntax that a data set without meta information begins as, if it begins as one. */
function assumedSyntax(start: Uint8Array): string | undefined {
  if (start.length < 8) return undefined;
  const view = new DataView(start.buffer, start.byteOffset, 8);
  const [group, element] = [view.getUint16(0, true), view.getUint16(2, true)];
  if ((group !== 2 && group !== 8) || element >= 0x100) return undefined;
  const vr = String.fromCharCode(view.getUint8(4), view.getUint8(5));
  if (/^(AE|AS|AT|CS|DA|DS|DT|IS|LO|LT|OB|OW|PN|SH|SQ|ST|TM|UI|UL|UN|US|UT)$/.test(vr)) {
    return explicitLittleEndian;
  }
  return view.getUint32(4, true) <= 0x10000 ? implicitLittleEndian : undefined;
}

/** Reads group 0002, which is explicit little endian always; says where the data set begins. */
function readMeta(
  bytes: Uint8Array,
  elements: Map<string, DicomElement>,
): { offset: number; assumed?: string } {
  const preamble = hasPreamble(bytes);
  const assumed = preamble ? undefined : assumedSyntax(bytes);
  if (!preamble && assumed === undefined) throw new Error("neither DICM nor a data set");
  const start = preamble ? 132 : 0;
  const stream = new parser.ByteStream(parser.littleEndianByteArrayParser, bytes, start);
  while (stream.position + 8 <= bytes.length && groupAt(stream) === 2) {
    store(elements, stream, readElement(stream, false));
  }
  return { offset: stream.position, ...(assumed !== undefined && { assumed }) };
}

/** Reads elements until the pixel data or the end. */
function readElements(
  stream: ByteStream,
  elements: Map<string, DicomElement>,
  implicit: boolean,
): PixelDataPlace | undefined {
  const size = stream.byteArray.length;
  while (stream.position < size) {
    if (stream.position + 8 > size) {
      // Some writers pad files with zeros.
      if (isZero(stream.byteArray.subarray(stream.position))) return undefined;
      throw new CutShort("within an element");
    }
    const group = groupAt(stream);
    if (group === 0x7fe0) {
      const place = readPixelElement(stream, implicit);
      if (place) return place;
    } else {
      store(elements, stream, readElement(stream, implicit));
    }
  }
  return undefined;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function groupAt(stream: ByteStream): number {
  return stream.byteArrayParser.readUint16(stream.byteArray, stream.position);
}

const longVrs = new Set(["SV", "UV", "OV"]);

/** One element by dicom-parser, whose readers pass the end of the bytes in silence. @throws CutShort */
function readElement(stream: ByteStream, implicit: boolean): Element {
  const size = stream.byteArray.length;
  const { position } = stream;
  const warned = stream.warnings.length;
  const warnings: string[] = [];
  try {
    const vr = implicit ? "" : parser.readFixedString(stream.byteArray, position + 4, 2);
    // It takes the values of 64 bits, which came later into the standard, for ones with a short length.
    const element = longVrs.has(vr)
      ? readLongElement(stream)
      : implicit
        ? parser.readDicomElementImplicit(stream, undefined, (tag) => vrOf(tag.slice(1)))
        : parser.readDicomElementExplicit(stream, warnings);
    if (stream.position > size || stream.warnings.length > warned || warnings.length > 0) {
      throw new CutShort(`element at ${position}`);
    }
    return element;
  } catch (cause) {
    // Reading a number beyond the end, a string or an item: with more bytes it may succeed.
    if (cause instanceof CutShort || cause instanceof RangeError) throw cause;
    throw new CutShort(`element at ${position}`, { cause });
  }
}

function readLongElement(stream: ByteStream): Element {
  const tag = parser.readTag(stream);
  const vr = stream.readFixedString(2);
  stream.seek(2);
  const length = stream.readUint32();
  const dataOffset = stream.position;
  stream.seek(length);
  return { tag, vr, length, dataOffset };
}

/** Reads an element of group 7FE0; the place of the pixel data if it is they. */
function readPixelElement(stream: ByteStream, implicit: boolean): PixelDataPlace | undefined {
  const size = stream.byteArray.length;
  if (stream.position + 12 > size) throw new CutShort("pixel data");
  const tag = parser.readTag(stream);
  const vr = implicit ? "OW" : stream.readFixedString(2);
  const short = !implicit && !/^(OB|OW|OF|OD|OL|OV|UN|UV|SV)$/.test(vr);
  if (!implicit && !short) stream.seek(2);
  const length = short ? stream.readUint16() : stream.readUint32();
  const offset = stream.position;
  if (tag === "x7fe00010") {
    return { offset, length: length === undefinedLength ? undefined : length };
  }
  stream.seek(length);
  if (stream.position > size) throw new CutShort("an element of the pixel data's group");
  return undefined;
}

function store(
  elements: Map<string, DicomElement>,
  { byteArray, byteArrayParser }: ByteStream,
  element: Element,
): void {
  const big = byteArrayParser === parser.bigEndianByteArrayParser;
  elements.set(element.tag.slice(1), toElement(element, byteArray, big));
}

function toElement(element: Element, bytes: Uint8Array, big: boolean): DicomElement {
  const { tag, items, length, dataOffset } = element;
  const vr = element.vr ?? (items ? "SQ" : vrOf(tag.slice(1)));
  if (items) {
    return { vr: "SQ", items: items.map(({ dataSet }) => toAttributes(dataSet, bytes, big)) };
  }
  // A copy: the bytes of a whole file would otherwise live as long as one element does.
  const value = Uint8Array.prototype.slice.call(bytes, dataOffset, dataOffset + length);
  if (value.length < length) throw new CutShort(tag);
  if (big) swap(value, vr);
  return { vr, value };
}

function toAttributes(
  dataSet: DataSet | undefined,
  bytes: Uint8Array,
  big: boolean,
): DicomAttributes {
  const result = new Map<string, DicomElement>();
  for (const element of Object.values(dataSet?.elements ?? {})) {
    if (element.tag.startsWith("xfffe")) continue;
    result.set(element.tag.slice(1), toElement(element, bytes, big));
  }
  return result;
}

const widths: Readonly<Record<string, 2 | 4 | 8>> = {
  ...{ US: 2, SS: 2, OW: 2, AT: 2, UL: 4, SL: 4, FL: 4, OF: 4, OL: 4, FD: 8, OD: 8 },
  ...{ SV: 8, UV: 8, OV: 8 },
};

/** Turns numbers into little endian. */
function swap(value: Uint8Array, vr: string): void {
  const width = widths[vr];
  if (width === undefined) return;
  for (let at = 0; at + width <= value.length; at += width)
    value.subarray(at, at + width).reverse();
}

/** The file with its deflated data set inflated. */
function inflate(bytes: Uint8Array, offset: number, options: DataSetOptions): Uint8Array {
  const { maxBytes = defaultMaxBytes } = options;
  let inflated: Buffer;
  try {
    inflated = inflateRawSync(bytes.subarray(offset), {
      maxOutputLength: maxBytes,
      finishFlush: constants.Z_FINISH,
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "Z_BUF_ERROR") {
      throw new CutShort("deflated data set", { cause });
    }
    throw cause;
  }
  return Buffer.concat([bytes.subarray(0, offset), inflated]);
}
