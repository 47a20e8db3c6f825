/** Masks as a DICOM segmentation. */
import { callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import type { ScanWarning } from "../base/warnings.js";
import type { Encoding } from "../dicom/write/encode.js";
import { type NativePixels, part10File } from "../dicom/write/part10.js";
import { textEncoding } from "../dicom/write/text-encoding.js";
import { type MaskFileOptions, type MaskSet, outcome, type WrittenMasks } from "./mask-set.js";
import type { Placement } from "./placement.js";
import {
  type SegmentationContent,
  type SegmentationType,
  segmentationObject,
} from "./segmentation-object.js";

/** Options of writing a segmentation. */
export interface SegOptions extends MaskFileOptions {
  /** "BINARY" by default, which every reader knows. */
  type?: SegmentationType;
}

/** The frames and pixels of a segmentation, and the organs that it holds. */
interface Framed extends Pick<SegmentationContent, "frames" | "overlap" | "bits"> {
  present: number[];
  pixels: Uint8Array;
}

/** Writes the file, whole, unless no organ has a voxel. @throws OutputError, AbortedError. */
export async function writeSegFile(
  path: string,
  set: MaskSet,
  placement: Placement,
  options: SegOptions,
): Promise<WrittenMasks> {
  const { type = "BINARY" } = options;
  const framed =
    type === "BINARY"
      ? await binary(set, placement, options)
      : await labels(set, placement, options);
  const { frames, overlap, bits, present, pixels } = framed;
  const result = outcome(set, new Set(present));
  if (!result.written) return result;
  const { source } = placement;
  const encoding: Encoding = { implicit: false, text: textEncoding(source.attributes) };
  const organs = present.flatMap((index) => set.organs[index] ?? []);
  const content = { type, organs, note: set.note, frames, overlap, bits };
  const object = await segmentationObject(source, content, encoding, options);
  const file: NativePixels = { bits, bytes: pixels };
  const chunks = part10File(object, encoding, file);
  await callNative(options, (task) => native.writeBytes(path, chunks, task));
  return { ...result, warnings: [...result.warnings, ...tiltWarning(placement)] };
}

/** Degrees of tilt from which on 3D Slicer's reader refuses a segmentation; that is where a volume's affine is sheared. */
const leastTilt = 0.1;

function tiltWarning({ source: { tilt } }: Placement): ScanWarning[] {
  if (tilt <= leastTilt) return [];
  return [
    {
      code: "SEG_TILTED",
      message: `the gantry was tilted by ${tilt.toFixed(1)}°: 3D Slicer does not read a segmentation (SEG) of such a series; give it NIfTI`,
    },
  ];
}

/** The organs' indices in the order of the set, without repeats. */
function inOrder(indices: Iterable<number>): number[] {
  return [...new Set(indices)].sort((a, b) => a - b);
}

async function binary(set: MaskSet, { stack }: Placement, options: SegOptions): Promise<Framed> {
  const all = Int32Array.from(set.organs.keys());
  const found = await callNative(options, (task) =>
    native.organFrames(set.handle, all, stack, task),
  );
  const present = inOrder(found.organs);
  const numbers = new Map(present.map((index, i) => [index, i + 1]));
  const frames = Array.from(found.organs, (organ, i) => ({
    segment: numbers.get(organ) as number,
    plane: found.planes[i] as number,
  }));
  const { overlap, bits } = found;
  return { present, frames, overlap, bits: 1, pixels: new Uint8Array(bits) };
}

/** Where organs overlap, the more probable one has the voxel; one that thereby has none is not in the file. */
async function labels(set: MaskSet, { stack }: Placement, options: SegOptions): Promise<Framed> {
  let present = inOrder(set.organs.keys());
  for (;;) {
    const [organs, values] = [Int32Array.from(present), Int32Array.from(present, (_, i) => i + 1)];
    const {
      planes,
      labels: seen,
      pixels,
    } = await callNative(options, (task) =>
      native.labelFrames(set.handle, organs, values, stack, task),
    );
    const bits = present.length > 255 ? 16 : 8;
    if (seen.length === present.length) {
      const frames = Array.from(planes, (plane) => ({ plane }));
      return { present, frames, overlap: false, bits, pixels: new Uint8Array(pixels) };
    }
    present = present.filter((_, i) => seen.includes(i + 1));
  }
}
