/** JPEG-LS, JPEG 2000 and HTJ2K by CharLS, OpenJPEG and OpenJPH in WebAssembly, each loaded when it is first needed. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { checkCodeStream } from "./code-streams.js";
import { BadPixels } from "./frame-places.js";

const require = createRequire(import.meta.url);

interface Decoder {
  getEncodedBuffer(size: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8Array;
  getFrameInfo(): FrameInfo;
  delete(): void;
}

interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned?: boolean;
}

type Codec = Record<string, new () => Decoder>;
type Factory = (options: object) => Promise<Codec>;

const codecs = {
  jpegLs: ["@cornerstonejs/codec-charls", "decodewasm", "JpegLSDecoder"],
  jpeg2000: ["@cornerstonejs/codec-openjpeg", "decodewasm", "J2KDecoder"],
  htj2k: ["@cornerstonejs/codec-openjph", "wasm", "HTJ2KDecoder"],
} as const;

export type WasmCoding = keyof typeof codecs;

export function isWasmCoding(coding: string): coding is WasmCoding {
  return coding in codecs;
}

const instances = new Map<WasmCoding, Promise<Codec>>();

function load(coding: WasmCoding): Promise<Codec> {
  const known = instances.get(coding);
  if (known) return known;
  const [name, wasm] = codecs[coding];
  const factory = require(`${name}/${wasm}js`) as Factory;
  const wasmBinary = readFileSync(require.resolve(`${name}/${wasm}`));
  // They greet and complain on standard output.
  const instance = factory({ wasmBinary, print() {}, printErr() {} });
  instances.set(coding, instance);
  return instance;
}

/** The format of a frame, as the header gives it. */
export interface FrameFormat {
  rows: number;
  columns: number;
  bitsAllocated: number;
  bitsStored: number;
  signed: boolean;
}

/**
 * Samples of one frame: BitsAllocated each, little endian, in a buffer of their own.
 * @throws BadPixels for a code stream that is damaged, or that holds another image than the header says.
 */
export async function decodeFrame(
  coding: WasmCoding,
  codeStream: Uint8Array,
  format: FrameFormat,
): Promise<Uint8Array> {
  checkCodeStream(coding === "jpegLs", codeStream, format);
  const codec = await load(coding);
  try {
    // One for each frame: the buffer of one that fails without an error still holds the frame before.
    const Type = codec[codecs[coding][2]] as new () => Decoder;
    const decoder = new Type();
    decoder.getEncodedBuffer(codeStream.length).set(codeStream);
    decoder.decode();
    const info = decoder.getFrameInfo();
    check(info, format);
    const samples = toAllocated(decoder.getDecodedBuffer(), info, format);
    decoder.delete();
    return samples;
  } catch (cause) {
    // The state of a codec's memory is not known after a failure.
    instances.delete(coding);
    if (cause instanceof BadPixels) throw cause;
    // The codecs throw numbers.
    throw new BadPixels("its code stream is damaged", { cause });
  }
}

function check(info: FrameInfo, format: FrameFormat): void {
  const { width, height, bitsPerSample, componentCount } = info;
  if (width !== format.columns || height !== format.rows || componentCount !== 1) {
    throw new BadPixels("its code stream is damaged");
  }
  if (bitsPerSample < format.bitsStored || bitsPerSample > Math.min(16, format.bitsAllocated)) {
    throw new BadPixels(
      `its code stream holds samples of ${bitsPerSample} bits, not of ${format.bitsStored}`,
    );
  }
}

function toAllocated(decoded: Uint8Array, info: FrameInfo, format: FrameFormat): Uint8Array {
  const count = format.rows * format.columns;
  const width = info.bitsPerSample > 8 ? 2 : 1;
  if (decoded.length !== count * width) {
    throw new BadPixels(
      `its code stream holds ${decoded.length} bytes of pixels, not ${count * width}`,
    );
  }
  // A copy: the codec's memory moves and is written over.
  const bytes = decoded.slice();
  const unused = 8 * width - info.bitsPerSample;
  const extend = format.signed && !info.isSigned && unused > 0;
  if (8 * width === format.bitsAllocated && !extend) return bytes;
  const samples =
    width === 1
      ? new (format.signed ? Int8Array : Uint8Array)(bytes.buffer)
      : new (format.signed ? Int16Array : Uint16Array)(bytes.buffer);
  const types = { 8: Int8Array, 16: Int16Array, 32: Int32Array };
  const result = new types[format.bitsAllocated as 8 | 16 | 32](count);
  const shift = 32 - info.bitsPerSample;
  for (let i = 0; i < count; i++) {
    const value = samples[i] as number;
    result[i] = extend ? (value << shift) >> shift : value;
  }
  return new Uint8Array(result.buffer);
}
