/** Data sets as bytes (PS3.5 7): explicit and implicit value representation, little endian. */
import { InternalError } from "../../base/errors.js";
import { type Keyword, tagOf, vrOf } from "../dictionary.js";
import type { DicomAttributes, DicomElement } from "../source.js";
import type { TextEncoding } from "./text-encoding.js";

/**
 * A value to be written: text and numbers as the attribute's representation has them (several numbers of a DS or IS are
 * joined by backslashes), tags of an AT as hexadecimal digits, the items of a sequence, bytes, or an element as it was read.
 */
export type Value =
  | string
  | number
  | readonly number[]
  | Uint8Array
  | DicomElement
  | readonly Item[];

/** An item of a sequence; one of many that would take too long at once comes encoded, as chunks of bytes. */
export type Item = Attributes | readonly Buffer[];

/** A data set to be written; what is undefined is left out, and "" is an empty value. */
export type Attributes = { readonly [Name in Keyword]?: Value | undefined };

export interface Encoding {
  implicit: boolean;
  text: TextEncoding;
}

/** Representations whose length is written in 32 bits (PS3.5 7.1.2). */
const long = new Set([
  "OB",
  "OD",
  "OF",
  "OL",
  "OV",
  "OW",
  "SQ",
  "SV",
  "UC",
  "UN",
  "UR",
  "UT",
  "UV",
]);
const localText = new Set(["LO", "LT", "PN", "SH", "ST", "UC", "UT"]);

/** The data set's elements in the order of their tags, every value of an even length, as chunks that are not copied together. */
export function encodeAttributes(attributes: Attributes, encoding: Encoding): Buffer[] {
  const elements = Object.entries(attributes)
    .flatMap(([name, value]): [string, Value][] =>
      value === undefined ? [] : [[tagOf(name as Keyword), value]],
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return compact(elements.flatMap(([tag, value]) => encodeElement(tag, value, encoding)));
}

/** Bytes up to which chunks are joined. */
const small = 4096;

/** Joins small chunks that follow each other. */
function compact(chunks: readonly Buffer[]): Buffer[] {
  const joined: Buffer[] = [];
  let run: Buffer[] = [];
  const flush = () => {
    if (run.length > 0) joined.push(run.length === 1 ? (run[0] as Buffer) : Buffer.concat(run));
    run = [];
  };
  for (const chunk of chunks) {
    if (chunk.length < small) {
      run.push(chunk);
    } else {
      flush();
      joined.push(chunk);
    }
  }
  flush();
  return joined;
}

export function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

function encodeElement(tag: string, value: Value, encoding: Encoding): Buffer[] {
  if (isElement(value)) return encodeRead(tag, value, encoding);
  const vr = vrOf(tag);
  return element(tag, vr, encodeValue(vr, value, encoding), encoding);
}

function isElement(value: Value): value is DicomElement {
  return typeof value === "object" && "vr" in value;
}

/** An element as another data set had it. */
function encodeRead(tag: string, { vr, value, items }: DicomElement, encoding: Encoding): Buffer[] {
  if (items) {
    const encoded = items.map((item) => readItem(item, encoding));
    return element(tag, "SQ", encodeItems(encoded), encoding);
  }
  return element(tag, vr, [even(Buffer.from(value ?? []), padding(vr))], encoding);
}

function readItem(item: DicomAttributes, encoding: Encoding): Buffer[] {
  const elements = [...item].sort(([a], [b]) => (a < b ? -1 : 1));
  return elements.flatMap(([tag, value]) => encodeRead(tag, value, encoding));
}

/** The head of an element: tag, representation unless implicit, length. */
export function elementHead(tag: string, vr: string, length: number, implicit: boolean): Buffer {
  const head = Buffer.alloc(implicit || !long.has(vr) ? 8 : 12);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  if (implicit) {
    head.writeUInt32LE(length, 4);
  } else {
    head.write(vr, 4, "latin1");
    if (long.has(vr)) head.writeUInt32LE(length, 8);
    else if (length < 0x10000) head.writeUInt16LE(length, 6);
    else throw new InternalError("INTERNAL", `(${tag}): ${length} bytes are too many for ${vr}.`);
  }
  return head;
}

function element(tag: string, vr: string, value: Buffer[], { implicit }: Encoding): Buffer[] {
  return [elementHead(tag, vr, lengthOf(value), implicit), ...value];
}

function encodeValue(
  vr: string,
  value: Exclude<Value, DicomElement>,
  encoding: Encoding,
): Buffer[] {
  if (vr === "SQ") {
    const items = value as readonly Item[];
    return encodeItems(
      items.map((item) => (isEncoded(item) ? item : encodeAttributes(item, encoding))),
    );
  }
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return [even(bytes, padding(vr))];
  }
  if (typeof value === "string") {
    if (vr === "AT") return [encodeTag(value)];
    const bytes = localText.has(vr) ? encoding.text.encode(value) : Buffer.from(value, "latin1");
    return [even(bytes, padding(vr))];
  }
  const numbers = (typeof value === "number" ? [value] : value) as readonly number[];
  return [encodeNumbers(vr, numbers)];
}

function isEncoded(item: Item): item is readonly Buffer[] {
  return Array.isArray(item);
}

function encodeNumbers(vr: string, numbers: readonly number[]): Buffer {
  if (vr === "DS" || vr === "IS") {
    const text = numbers.map(vr === "DS" ? decimalString : String).join("\\");
    return even(Buffer.from(text, "latin1"), " ");
  }
  const width = vr === "UL" || vr === "SL" ? 4 : 2;
  const bytes = Buffer.alloc(numbers.length * width);
  for (const [i, number] of numbers.entries()) {
    if (vr === "SS" || vr === "SL") bytes.writeIntLE(number, i * width, width);
    else bytes.writeUIntLE(number, i * width, width);
  }
  return bytes;
}

function encodeTag(tag: string): Buffer {
  return elementHead(tag, "", 0, true).subarray(0, 4);
}

/** Items of explicit length (PS3.5 7.5). */
function encodeItems(items: readonly (readonly Buffer[])[]): Buffer[] {
  return items.flatMap((item) => [elementHead("fffee000", "", lengthOf(item), true), ...item]);
}

/** The byte that pads a value to an even length (PS3.5 6.2). */
function padding(vr: string): string {
  return /^(UI|O.|UN|US|UL|SS|SL|AT)$/.test(vr) ? "\0" : " ";
}

function even(value: Buffer, pad: string): Buffer {
  return value.length % 2 === 0 ? value : Buffer.concat([value, Buffer.from(pad, "latin1")]);
}

/** A number as a DS, at most 16 bytes: with as many digits as those can hold. */
export function decimalString(value: number): string {
  for (let digits = 17; digits > 0; digits--) {
    const text = String(Number(value.toPrecision(digits)));
    if (text.length <= 16) return text;
  }
  throw new InternalError("INTERNAL", `${value} cannot be written as a decimal string.`);
}
