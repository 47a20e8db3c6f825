/** Part 10 files (PS3.10 7): preamble, meta information, data set, pixels. */
import { OutputError } from "../../base/errors.js";
import { tagOf } from "../dictionary.js";
import { explicitLittleEndian, implicitLittleEndian } from "../uids.js";
import {
  type Attributes,
  type Encoding,
  elementHead,
  encodeAttributes,
  lengthOf,
} from "./encode.js";
import { textEncoding } from "./text-encoding.js";

/** Names this package as the writer of a file. Made once as a UUID (PS3.5 B.2). */
const implementation = "2.25.88713265420127730118924373309462918717";
const implementationVersion = "MEDLSAM";

/** Pixels in native form. */
export interface NativePixels {
  /** Bits of a sample: 1, 8 or 16. */
  bits: number;
  /** An even number of bytes. */
  bytes: Uint8Array;
}

/**
 * The file's bytes, in chunks.
 * @param dataSet with SOPClassUID and SOPInstanceUID, and without the pixels.
 * @throws OutputError for pixels of 4 GB and more, which no such file can hold.
 */
export function part10File(
  dataSet: Attributes,
  encoding: Encoding,
  pixels?: NativePixels,
): Uint8Array[] {
  const { implicit } = encoding;
  const meta = encodeAttributes(
    {
      FileMetaInformationVersion: Uint8Array.of(0, 1),
      MediaStorageSOPClassUID: dataSet.SOPClassUID,
      MediaStorageSOPInstanceUID: dataSet.SOPInstanceUID,
      TransferSyntaxUID: implicit ? implicitLittleEndian : explicitLittleEndian,
      ImplementationClassUID: implementation,
      ImplementationVersionName: implementationVersion,
    },
    { implicit: false, text: textEncoding(new Map()) },
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(lengthOf(meta));
  const start = Buffer.concat([
    Buffer.alloc(128),
    Buffer.from("DICM", "latin1"),
    elementHead("00020000", "UL", 4, false),
    length,
    ...meta,
  ]);
  const file: Uint8Array[] = [start, ...encodeAttributes(dataSet, encoding)];
  if (!pixels) return file;
  if (pixels.bytes.length > 0xfffffffe) {
    throw new OutputError(
      "WRITE_FAILED",
      `The pixels are ${pixels.bytes.length} bytes, and a DICOM file holds 4 GB of them: segment fewer organs at once.`,
    );
  }
  const vr = pixels.bits > 8 ? "OW" : "OB";
  const head = elementHead(tagOf("PixelData"), vr, pixels.bytes.length, implicit);
  return [...file, head, pixels.bytes];
}
