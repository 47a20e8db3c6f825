/** The pixels of a candidate's slices, in native memory. */
import { type CallOptions, callNative } from "../../addon/call.js";
import type { DicomFrame, VolumeHandle } from "../../addon/contract/index.js";
import { native } from "../../addon/loader.js";
import { InputError } from "../../base/errors.js";
import { inParallel } from "../../base/parallel.js";
import { isWasmCoding } from "../pixels/wasm-codecs.js";
import { transferSyntax } from "../uids.js";
import { JobError, type WorkerPool } from "../workers/pool.js";
import { type Candidate, type Slice, sliceName } from "./candidates.js";
import type { ImageFacts } from "./image.js";
import { rescaleOf } from "./rescale.js";
import type { Modality } from "./survey.js";

interface FrameOptions extends CallOptions {
  modality?: Modality;
}

/** Frames of one file that a worker decodes at a time. */
const batch = 4;

/**
 * The slices as native code takes them: those that it can read are only named to it, others are decoded by workers.
 * @throws InputError `BAD_VOLUME`, `NOT_HU`; AbortedError.
 */
export async function decodeFrames(
  { slices }: Pick<Candidate, "slices">,
  pool: WorkerPool,
  options: FrameOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<DicomFrame[]> {
  const any = options.modality === "any";
  const frames = slices.map((slice) => nativeFrame(slice, any));
  const waiting = slices.flatMap((slice, z) => (needsWorker(slice.image) ? [{ slice, z }] : []));
  const memory = memoryFor(waiting, frames);
  let done = 0;
  await inParallel(pool.size, batches(waiting), async (some) => {
    await decode(some, frames, memory, pool);
    done += some.length;
    onProgress?.(done, slices.length);
  });
  return frames;
}

/** @throws InputError `BAD_VOLUME`, `READ_FAILED`; AbortedError. */
export function volumeOfFrames(
  { slices }: Pick<Candidate, "slices">,
  frames: DicomFrame[],
  affine: readonly number[],
  options: CallOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<VolumeHandle> {
  const [first] = slices as [Slice];
  const { rows, columns, signed } = first.image;
  const call = { rows, columns, signed, affine: [...affine], slices: frames };
  const decoded = frames.filter(({ bytes }) => bytes !== undefined).length;
  return callNative(
    options,
    (task) => native.volumeFromFrames(call, task),
    // Decoding was nearly all of the work where there was any.
    (done, total) => onProgress?.(Math.max(decoded, done), total),
  );
}

function nativeFrame(slice: Slice, any: boolean): DicomFrame {
  const { image, frame } = slice;
  const { coding = "native" } = transferSyntax(image.transferSyntaxUid);
  const { base = 0 } = image;
  return {
    name: sliceName(slice),
    codec: isWasmCoding(coding) ? "native" : coding,
    path: image.file.path,
    fragments: frame.places.map((each, i) => (i % 2 === 0 ? each + base : each)),
    bitsAllocated: image.bitsAllocated as 8 | 16 | 32,
    bitsStored: image.bitsStored,
    ...rescaleOf(image, frame, any),
  };
}

/** Whether its frames cannot be read from the file by native code. */
function needsWorker({ transferSyntaxUid, base }: ImageFacts): boolean {
  return base === undefined || isWasmCoding(transferSyntax(transferSyntaxUid).coding ?? "");
}

interface Waiting {
  slice: Slice;
  z: number;
}

/**
 * One buffer for all that workers give, so that nothing of it passes through this thread's heap; the frames get their parts of it.
 * @throws InputError `BAD_VOLUME` where there is not so much memory.
 */
function memoryFor(waiting: readonly Waiting[], frames: DicomFrame[]): SharedArrayBuffer {
  const sizes = waiting.map(({ slice }) => bytesOf(slice));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const [first] = waiting;
  let memory: SharedArrayBuffer;
  try {
    memory = new SharedArrayBuffer(total);
  } catch (cause) {
    throw new InputError(
      "BAD_VOLUME",
      `${first?.slice.image.file.name}: there is no memory for the ${total} bytes of pixels that its series has.`,
      { cause },
    );
  }
  let offset = 0;
  for (const [i, { z }] of waiting.entries()) {
    const size = sizes[i] as number;
    const { path, ...rest } = frames[z] as DicomFrame;
    frames[z] = { ...rest, bytes: new Uint8Array(memory, offset, size), fragments: [0, size] };
    offset += size;
  }
  return memory;
}

/** Bytes that a worker gives of a slice: decoded samples, or what lies in its fragments. */
function bytesOf({ image, frame }: Slice): number {
  const { coding = "native" } = transferSyntax(image.transferSyntaxUid);
  if (isWasmCoding(coding)) return image.rows * image.columns * (image.bitsAllocated / 8);
  return frame.places.reduce((sum, each, i) => sum + (i % 2) * each, 0);
}

/** Slices of one file together. What is inflated as a whole is inflated once. */
function batches(waiting: readonly Waiting[]): Waiting[][] {
  const result: Waiting[][] = [];
  const open = new Map<ImageFacts, Waiting[]>();
  for (const each of waiting) {
    const { image } = each.slice;
    const last = open.get(image);
    if (last && (image.base === undefined || last.length < batch)) {
      last.push(each);
    } else {
      const next = [each];
      open.set(image, next);
      result.push(next);
    }
  }
  return result;
}

async function decode(
  some: readonly Waiting[],
  frames: readonly DicomFrame[],
  memory: SharedArrayBuffer,
  pool: WorkerPool,
): Promise<void> {
  const { image } = (some[0] as Waiting).slice;
  const { coding = "native", deflated = false } = transferSyntax(image.transferSyntaxUid);
  const { rows, columns, bitsAllocated, bitsStored, signed } = image;
  try {
    await pool.run({
      kind: "frames",
      file: image.file,
      inflated: deflated,
      coding,
      format: { rows, columns, bitsAllocated, bitsStored, signed },
      frames: some.map(({ slice }) => slice.frame.places),
      into: memory,
      offsets: some.map(({ z }) => frames[z]?.bytes?.byteOffset ?? 0),
    });
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    const { slice } = some[error.frame ?? 0] as Waiting;
    throw new InputError(
      "BAD_VOLUME",
      `${sliceName(slice)}: ${error.message}. Copy it again from where it came from.`,
      { cause: error },
    );
  }
}

/**
 * Files with the same SOP Instance UID must be the same image.
 * @throws InputError `BAD_VOLUME` naming two that are not.
 */
export async function requireSamePixels(
  copies: readonly (readonly [ImageFacts, ImageFacts])[],
  pool: WorkerPool,
  options: FrameOptions,
): Promise<void> {
  for (const [first, copy] of copies) {
    if (await isSameImage(first, copy, pool, options)) continue;
    throw new InputError(
      "BAD_VOLUME",
      `${first.file.name} and ${copy.file.name} have the same SOP Instance UID, but are different images. Leave one out.`,
    );
  }
}

async function isSameImage(
  first: ImageFacts,
  copy: ImageFacts,
  pool: WorkerPool,
  options: FrameOptions,
): Promise<boolean> {
  if (copy.fault !== undefined) return false;
  const facts = ({ rows, columns, signed, frames }: ImageFacts) =>
    JSON.stringify([
      ...[rows, columns, signed],
      frames.map(({ position, orientation, spacing }) => [position, orientation, spacing]),
    ]);
  if (facts(first) !== facts(copy)) return false;
  const [a, b] = [await pixelsOf(first, pool, options), await pixelsOf(copy, pool, options)];
  return Buffer.compare(a, b) === 0;
}

async function pixelsOf(
  image: ImageFacts,
  pool: WorkerPool,
  options: FrameOptions,
): Promise<Uint8Array> {
  const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const plane = {
    position: [0, 0, 0],
    row: [1, 0, 0],
    column: [0, 1, 0],
    spacing: [1, 1],
  } as const;
  const slices = image.frames.map((frame): Slice => ({ image, frame, plane }));
  const frames = await decodeFrames({ slices }, pool, options);
  const handle = await volumeOfFrames({ slices }, frames, identity, options);
  try {
    const bytes = await callNative(options, (task) => native.volumeData(handle, true, task));
    return new Uint8Array(bytes);
  } finally {
    native.release(handle);
  }
}
