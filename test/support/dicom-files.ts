/** DICOM files made from those of the conformance data, one attribute, length or code stream changed. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDataSet } from "../../lib/dicom/data-set.js";
import { type Keyword, tagOf, vrOf } from "../../lib/dicom/dictionary.js";
import { conformance } from "./data.js";

/** A file's elements by tag, without sequences, and its pixels: one buffer, or the fragments of each frame. */
export interface EditableFile {
  elements: Map<string, { vr: string; value: Uint8Array }>;
  pixels: Buffer | Buffer[];
}

export function openFile(path: string): EditableFile {
  const bytes = readFileSync(conformance(`dicom/${path}`));
  const { attributes, pixelData } = readDataSet(bytes);
  const elements = new Map<string, { vr: string; value: Uint8Array }>();
  for (const [tag, { vr, value }] of attributes) if (value) elements.set(tag, { vr, value });
  const { offset = 0, length } = pixelData ?? {};
  return {
    elements,
    pixels: length === undefined ? fragmentsAt(bytes, offset) : bytes.subarray(offset),
  };
}

function fragmentsAt(bytes: Buffer, start: number): Buffer[] {
  const items: Buffer[] = [];
  for (let at = start; bytes.readUInt32LE(at) !== 0xe0ddfffe; ) {
    const length = bytes.readUInt32LE(at + 4);
    items.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return items.slice(1);
}

/** Sets an attribute: text, or a number in binary; undefined removes it. */
export function setAttribute(
  file: EditableFile,
  keyword: Keyword,
  value: string | number | undefined,
): void {
  const tag = tagOf(keyword);
  if (value === undefined) {
    file.elements.delete(tag);
    return;
  }
  const vr = vrOf(tag);
  if (typeof value === "number") {
    file.elements.set(tag, { vr, value: Buffer.from(Uint16Array.of(value).buffer) });
  } else {
    file.elements.set(tag, {
      vr,
      value: Buffer.from(value.padEnd(value.length + (value.length % 2))),
    });
  }
}

/** The file in explicit little endian; `extra` comes before the pixel data. */
export function encodeFile(
  { elements, pixels }: EditableFile,
  extra: Buffer = Buffer.alloc(0),
): Buffer {
  const parts = [...elements]
    .filter(([tag]) => tag !== "00020000")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([tag, { vr, value }]) => Buffer.concat([elementHead(tag, vr, value.length), value]));
  const data = Array.isArray(pixels)
    ? [elementHead("7fe00010", "OB", 0xffffffff), ...encapsulate(pixels)]
    : [elementHead("7fe00010", "OW", pixels.length), pixels];
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), ...parts, extra, ...data]);
}

function encapsulate(fragments: readonly Buffer[]): Buffer[] {
  const item = (length: number) => {
    const head = Buffer.from("feff00e000000000", "hex");
    head.writeUInt32LE(length, 4);
    return head;
  };
  return [
    item(0),
    ...fragments.flatMap((fragment) => [item(fragment.length), fragment]),
    Buffer.from("feffdde000000000", "hex"),
  ];
}

export function elementHead(tag: string, vr: string, length: number): Buffer {
  const isLong = /^(O.|SQ|U[CNRTV]|SV)$/.test(vr);
  const head = Buffer.alloc(isLong ? 12 : 8);
  head.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  head.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  head.write(vr, 4, "latin1");
  if (isLong) head.writeUInt32LE(length, 8);
  else head.writeUInt16LE(length, 6);
  return head;
}

/**
 * Three slices of the conformance data's `base` in a new folder, 00.dcm to 02.dcm.
 * @param edit changes the middle one, and gives the bytes if they are not simply its encoding.
 */
export function writeThree(
  folder: string,
  source: string,
  edit: (file: EditableFile) => Buffer | undefined = () => undefined,
): string {
  mkdirSync(folder, { recursive: true });
  for (const [i, name] of placed(source).entries()) {
    const file = openFile(`syntax/${source}/${name}`);
    const bytes = i === 1 ? edit(file) : undefined;
    writeFileSync(join(folder, `0${i}.dcm`), bytes ?? encodeFile(file));
  }
  return folder;
}

/** Names of the three lowest slices' files, from the bottom. */
function placed(source: string): string[] {
  const height = (name: string) => {
    const { elements } = openFile(`syntax/${source}/${name}`);
    const position = elements.get(tagOf("ImagePositionPatient"))?.value ?? new Uint8Array();
    return Number(Buffer.from(position).toString("latin1").split("\\")[2]);
  };
  const names = Array.from({ length: 12 }, (_, i) => `${String(i).padStart(2, "0")}.dcm`);
  return names
    .map((name) => ({ name, z: height(name) }))
    .sort((a, b) => a.z - b.z)
    .slice(0, 3)
    .map(({ name }) => name);
}
