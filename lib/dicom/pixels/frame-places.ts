/** Where the frames of pixel data lie in a file (PS3.5 A.4): from the item headers alone, without reading the pixels. */
import type { DicomDataSet } from "../data-set.js";
import type { ByteSource } from "../files/file-ref.js";
import type { PixelCoding } from "../uids.js";

/** Bytes of one frame: offset and length of each of its fragments, one after another. */
export type FragmentPlaces = number[];

/** Pixel data that do not hold what the header says. */
export class BadPixels extends Error {}

/** The size of an image's frames. */
export interface FrameSize {
  rows: number;
  columns: number;
  bitsAllocated: number;
  frames: number;
}

/** Nothing compresses CT by more: a frame that claims to would be there to fill memory. */
const mostCompression = 100_000;

/** @throws BadPixels saying what is wrong. */
export function framePlaces(
  source: ByteSource,
  { pixelData }: DicomDataSet,
  size: FrameSize,
  coding: PixelCoding,
): FragmentPlaces[] {
  if (!pixelData) throw new BadPixels("it has no pixel data");
  const { offset, length } = pixelData;
  const bytes = size.rows * size.columns * (size.bitsAllocated / 8);
  const isNative = coding === "native" || coding === "bigEndian";
  if (isNative !== (length !== undefined)) {
    throw new BadPixels("its pixel data are not coded as its transfer syntax says");
  }
  if (length !== undefined) {
    if (bytes * size.frames > length || offset + length > source.size) {
      throw new BadPixels("its pixel data end early");
    }
    return Array.from({ length: size.frames }, (_, i) => [offset + i * bytes, bytes]);
  }
  const { table, fragments } = readItems(source, offset);
  const frames = joinFragments(source, table, fragments, size.frames, coding);
  const tooSmall = frames.some(
    (places) => bytes > mostCompression * places.reduce((sum, each, i) => sum + (i % 2) * each, 0),
  );
  if (tooSmall) throw new BadPixels("a frame has too few bytes for its size");
  return frames;
}

interface Fragment {
  /** Where the item's header lies, from the first one's. */
  position: number;
  offset: number;
  length: number;
}

/** The items of encapsulated pixel data: the basic offset table, and the fragments. */
function readItems(source: ByteSource, start: number) {
  const fragments: Fragment[] = [];
  let table: number[] | undefined;
  let first = 0;
  for (let at = start; ; ) {
    const header = Buffer.from(source.read(at, 8));
    if (header.length < 8) throw new BadPixels("its pixel data end early");
    const [tag, length] = [header.readUInt32LE(0), header.readUInt32LE(4)];
    if (tag === 0xe0ddfffe) break;
    if (tag !== 0xe000fffe) throw new BadPixels("its pixel data are damaged");
    if (at + 8 + length > source.size) throw new BadPixels("its pixel data end early");
    if (table === undefined) {
      const bytes = Buffer.from(source.read(at + 8, length));
      table = Array.from({ length: Math.floor(length / 4) }, (_, i) => bytes.readUInt32LE(4 * i));
      first = at + 8 + length;
    } else {
      fragments.push({ position: at - first, offset: at + 8, length });
    }
    at += 8 + length;
  }
  return { table: table ?? [], fragments };
}

function joinFragments(
  source: ByteSource,
  table: readonly number[],
  fragments: readonly Fragment[],
  frames: number,
  coding: PixelCoding,
): FragmentPlaces[] {
  const places = (some: readonly Fragment[]) =>
    some.flatMap(({ offset, length }) => [offset, length]);
  if (fragments.length === 0) throw new BadPixels("it has no pixels");
  if (frames === 1) return [places(fragments)];
  if (fragments.length === frames) return fragments.map((each) => places([each]));
  if (fragments.length < frames) {
    throw new BadPixels(`it has ${fragments.length} coded frames, not the ${frames} that it says`);
  }
  const starts =
    table.length === frames
      ? table.map((position) => fragments.findIndex((each) => each.position === position))
      : startsByMarkers(source, fragments, coding);
  const rising = starts.every((start, i) => start >= 0 && (i === 0 || start > at(starts, i - 1)));
  if (starts.length !== frames || starts[0] !== 0 || !rising) {
    throw new BadPixels(
      `its ${fragments.length} fragments cannot be told apart as ${frames} frames`,
    );
  }
  return starts.map((start, i) => places(fragments.slice(start, starts[i + 1])));
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}

/** Without an offset table a frame's last fragment ends with the code stream's end: FFD9, and perhaps a zero after it. */
function startsByMarkers(
  source: ByteSource,
  fragments: readonly Fragment[],
  coding: PixelCoding,
): number[] {
  if (coding === "rle") return [];
  const ends = fragments.map(({ offset, length }) => {
    const tail = Buffer.from(source.read(offset + Math.max(0, length - 4), Math.min(4, length)));
    return /ffd9(00)?$/.test(tail.toString("hex"));
  });
  return fragments.flatMap((_, i) => (i === 0 || ends[i - 1] ? [i] : []));
}

/** A frame's bytes, its fragments joined. @throws BadPixels for a file that has become shorter. */
export function readFrame(source: ByteSource, places: FragmentPlaces): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = 0; i + 1 < places.length; i += 2) {
    const part = source.read(places[i] as number, places[i + 1] as number);
    if (part.length !== places[i + 1]) throw new BadPixels("its pixel data end early");
    parts.push(part);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}
