/**
 * The method's single steps on plain arrays, for comparisons with other implementations and as building blocks. All arrays
 * are (z, y, x), x fastest; all work happens off the event loop.
 *
 * Experimental: the steps follow the implementation and may change in any version.
 */

import { z } from "zod";
import { type CallOptions, callNative } from "./addon/call.js";
import type { Conventions } from "./addon/contract/index.js";
import { native } from "./addon/loader.js";
import {
  aConvention,
  checkArguments,
  optionsOf,
  threeNumbers,
  typedArray,
  wholeNumber,
} from "./base/arguments.js";
import type { Triple } from "./geometry/box.js";
import { Grid, type GridOptions } from "./localization/grid.js";
import { aVolume, type Volume } from "./volumes/volume.js";

/** An array with its extents along (z, y, x). */
export interface Shaped<Data> {
  shape: Triple;
  data: Data;
}

/** Options of a step that depends on the conventions. */
interface StepOptions extends CallOptions {
  /** "exact" by default. */
  conventions?: Conventions;
}

const stepOptions = optionsOf({ conventions: aConvention.optional() });
const extent = wholeNumber(1, 2 ** 31 - 1);
const partsOrWhole = z.union(
  [z.literal("whole"), wholeNumber(1, 1000)],
  'must be "whole" or a number of parts from 1 to 1000',
);
const sliceEdge = wholeNumber(1, 8192);
const sliceSize = z.tuple([extent, extent], "must be two numbers of pixels, [height, width]");
const scaleArrays = z
  .array(typedArray(Float32Array).nullable(), "must be a list of an array for each scale")
  .length(3, "must be a list of an array for each scale");

function shaped(type: { name: string; new (length: number): object }) {
  return z
    .object({ shape: z.tuple([extent, extent, extent]), data: typedArray(type) })
    .refine(
      ({ shape: [z, y, x], data }) => (data as ArrayLike<number>).length === z * y * x,
      "has another number of values than its shape",
    );
}

/** Part 1.1: the values (HU for a CT) in LAS order, and the 4×4 matrix back to stored voxels (x, y, z, 1). */
export async function toLas(
  volume: Volume,
  options: CallOptions = {},
): Promise<Shaped<Float64Array> & { lasToStored: number[] }> {
  checkArguments("steps.toLas", { volume: [volume, aVolume] });
  return callNative(options, (task) => native.toLas(volume.handle, task));
}

/** Part 1.2 for images: cubic B-spline, output lengths round(n · zoom), corner-aligned. float32 arithmetic. */
export async function resampleSpline(
  array: Shaped<Float64Array>,
  zoom: Triple,
  options: CallOptions = {},
): Promise<Shaped<Float64Array>> {
  checkArguments("steps.resampleSpline", {
    array: [array, shaped(Float64Array)],
    zoom: [zoom, threeNumbers],
  });
  const { shape, data } = array;
  return callNative(options, (task) => native.resampleSpline({ data, shape, zoom }, task));
}

/** Part 1.2 for label maps in reference conventions: the label of the greatest trilinear weight. */
export async function resampleLabels(
  labels: Shaped<Uint16Array>,
  zoom: Triple,
  options: CallOptions = {},
): Promise<Shaped<Uint16Array>> {
  checkArguments("steps.resampleLabels", {
    labels: [labels, shaped(Uint16Array)],
    zoom: [zoom, threeNumbers],
  });
  const { shape, data } = labels;
  return callNative(options, (task) => native.resampleLabels({ data, shape, zoom }, task));
}

/** Part 1.3: HU to [0, 1], piecewise linear. */
export async function mapHu(hu: Float64Array, options: CallOptions = {}): Promise<Float32Array> {
  checkArguments("steps.mapHu", { hu: [hu, typedArray(Float64Array)] });
  return callNative(options, (task) => native.mapHu(hu, task));
}

/** All of part 1: the padded 3 mm grid of a scan. */
export async function imageGrid(
  volume: Volume,
  options: GridOptions = {},
): Promise<Shaped<Float32Array>> {
  const grid = await Grid.make(volume, options);
  try {
    return {
      shape: grid.shape,
      data: await callNative(options, (task) => native.gridValues(grid.handle, task)),
    };
  } finally {
    grid.close();
  }
}

/** All of part 1, for a label map. */
export async function labelGrid(
  volume: Volume,
  options: StepOptions = {},
): Promise<Shaped<Uint16Array>> {
  checkArguments("steps.labelGrid", { volume: [volume, aVolume], options: [options, stepOptions] });
  const { conventions = "exact" } = options;
  const grid = await callNative(options, (task) =>
    native.makeLabelGrid({ volume: volume.handle, conventions }, task),
  );
  try {
    return await callNative(options, (task) => native.labelGridValues(grid, task));
  } finally {
    native.release(grid);
  }
}

/**
 * Part 3: annotation points of a label on a padded label grid, six (z, y, x) for each of the parts that the organ is cut
 * into, or of the "whole" organ, in the order min z, min y, min x, max z, max y, max x.
 */
export async function annotationPoints(
  labels: Shaped<Uint16Array>,
  label: number,
  parts: number | "whole",
  options: StepOptions = {},
): Promise<Int32Array> {
  checkArguments("steps.annotationPoints", {
    labels: [labels, shaped(Uint16Array)],
    label: [label, wholeNumber(0, 65535)],
    parts: [parts, partsOrWhole],
    options: [options, stepOptions],
  });
  const { conventions = "exact" } = options;
  const cut = parts !== "whole";
  const organ = { label, parts: cut ? parts : 1, cut };
  const grid = await callNative(options, (task) => native.labelGridFromArray(labels, task));
  try {
    return await callNative(options, (task) =>
      native.annotationPoints({ grid, organs: [organ], conventions }, task),
    );
  } finally {
    native.release(grid);
  }
}

/**
 * Part 5.3: the similarity map of one point, patch³ values: 1 + the sum over scales. `features[k]` is
 * (channels, edge³) with edge = patch / 4, patch / 2, patch and `kernels[k]` (channels, size³) with size = 2, 4, 8;
 * null leaves a scale out.
 */
export async function similarityMap(
  features: (Float32Array | null)[],
  kernels: (Float32Array | null)[],
  channels: number,
  patch: number,
  options: CallOptions = {},
): Promise<Float32Array> {
  checkArguments("steps.similarityMap", {
    features: [features, scaleArrays],
    kernels: [kernels, scaleArrays],
    channels: [channels, wholeNumber(1, 65536)],
    patch: [patch, wholeNumber(4, 1024)],
  });
  return callNative(options, (task) =>
    native.similarityMap({ features, kernels, channels, patch }, task),
  );
}

/**
 * Part 6.1 but for the resizing: the volume's axial slices (count, height, width) as 8-bit pictures. They run along the
 * stored axis nearest to head–foot, rows along that nearest to front–back, nothing flipped.
 */
export async function windowSlices(
  volume: Volume,
  options: StepOptions = {},
): Promise<Shaped<Uint8Array>> {
  checkArguments("steps.windowSlices", {
    volume: [volume, aVolume],
    options: [options, stepOptions],
  });
  const { conventions = "exact" } = options;
  return callNative(options, (task) =>
    native.windowSlices({ volume: volume.handle, conventions }, task),
  );
}

/** Part 6.1's resizing: a slice (height, width) to (edge, edge), skimage's `resize` of order 2, truncated to 8 bit. */
export async function resizeSlice(
  slice: Uint8Array,
  size: readonly [height: number, width: number],
  edge: number,
  options: CallOptions = {},
): Promise<Uint8Array> {
  checkArguments("steps.resizeSlice", {
    slice: [slice, typedArray(Uint8Array)],
    size: [size, sliceSize],
    edge: [edge, sliceEdge],
  });
  const [height, width] = size;
  return callNative(options, (task) => native.resizeSlice({ slice, height, width, edge }, task));
}

/**
 * Part 6.4: the logits (edge/4, edge/4) of one mask → the probability of every pixel of the slice (height, width); above ½
 * is foreground. `edge` is SAM's image size.
 */
export async function decodeMask(
  logits: Float32Array,
  edge: number,
  size: readonly [height: number, width: number],
  options: CallOptions = {},
): Promise<Float32Array> {
  checkArguments("steps.decodeMask", {
    logits: [logits, typedArray(Float32Array)],
    edge: [edge, sliceEdge],
    size: [size, sliceSize],
  });
  const [height, width] = size;
  return callNative(options, (task) => native.decodeMask({ logits, edge, height, width }, task));
}
