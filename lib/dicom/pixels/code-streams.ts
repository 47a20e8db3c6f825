/**
 * The outer structure of code streams, before a codec has them: their size, since a codec takes the memory that a stream asks for, and
 * that they are whole, since codecs make a picture of half a stream, too. JPEG-LS: ITU-T T.87; JPEG 2000 and HTJ2K: T.800 A.
 */
import { BadPixels } from "./frame-places.js";

interface Size {
  rows: number;
  columns: number;
}

const damaged = () => new BadPixels("its code stream is damaged");
const cutShort = () => new BadPixels("its code stream ends early");

/** @throws BadPixels for a code stream of another size, or one that is cut short or damaged in its structure. */
export function checkCodeStream(isJpegLs: boolean, stream: Uint8Array, size: Size): void {
  if (stream.length === 0) throw new BadPixels("its code stream is empty");
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  try {
    const found = isJpegLs ? checkJpegLs(view) : checkJpeg2000(view);
    if (found.rows === size.rows && found.columns === size.columns && found.components === 1)
      return;
    throw new BadPixels(
      `its code stream holds ${found.rows} × ${found.columns} pixels of ${found.components} samples, not ${size.rows} × ${size.columns} of 1`,
    );
  } catch (error) {
    if (error instanceof RangeError) throw cutShort();
    throw error;
  }
}

interface FoundSize extends Size {
  components: number;
}

const marker = {
  jpegStart: 0xffd8,
  end: 0xffd9,
  jpegLsFrame: 0xfff7,
  jpegScan: 0xffda,
  j2kStart: 0xff4f,
  j2kSize: 0xff51,
  j2kTilePart: 0xff90,
} as const;

function checkJpegLs(view: DataView): FoundSize {
  if (view.getUint16(0) !== marker.jpegStart) throw damaged();
  let size: FoundSize | undefined;
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const found = view.getUint16(at);
    if (found < 0xff01 || found === marker.end) throw damaged();
    if (found === marker.jpegScan) break;
    if (found !== marker.jpegLsFrame) continue;
    size = {
      rows: view.getUint16(at + 5),
      columns: view.getUint16(at + 7),
      components: view.getUint8(at + 9),
    };
  }
  if (!size) throw damaged();
  if (!endsWithMarker(view)) throw cutShort();
  return size;
}

function checkJpeg2000(view: DataView): FoundSize {
  if (view.getUint16(0) !== marker.j2kStart || view.getUint16(2) !== marker.j2kSize) {
    throw damaged();
  }
  const extent = (end: number, start: number) => view.getUint32(end) - view.getUint32(start);
  const size = { rows: extent(12, 20), columns: extent(8, 16), components: view.getUint16(40) };
  let at = 2;
  while (view.getUint16(at) !== marker.j2kTilePart) {
    if (view.getUint16(at) < 0xff01) throw damaged();
    at += 2 + view.getUint16(at + 2);
  }
  checkTileParts(view, at);
  return size;
}

/** Every tile-part must be there; the last one may leave its length open, up to the end's marker. */
function checkTileParts(view: DataView, start: number): void {
  const header = 12;
  for (let at = start; at + 2 <= view.byteLength; ) {
    if (view.getUint16(at) !== marker.j2kTilePart) return;
    const length = view.getUint32(at + 6);
    if (length === 0) {
      if (!endsWithMarker(view)) throw cutShort();
      return;
    }
    if (length < header) throw damaged();
    if (at + length > view.byteLength) throw cutShort();
    at += length;
  }
}

/** Whether the end's marker is the last, but for the zero that makes the length even. */
function endsWithMarker(view: DataView): boolean {
  const end = view.byteLength;
  if (end < 3) return false;
  return (
    view.getUint16(end - 2) === marker.end ||
    (view.getUint8(end - 1) === 0 && view.getUint16(end - 3) === marker.end)
  );
}
