import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type { StoredType, VolumeHandle, VolumeInfo, VoxelArray } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import {
  aPath,
  checkArguments,
  instanceOf,
  optionsOf,
  typedArray,
  wholeNumber,
} from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import type { ScanWarning } from "../base/warnings.js";
import type { DicomSource } from "../dicom/source.js";
import type { Triple } from "../geometry/box.js";
import {
  aScanPath,
  type ReadOptions,
  type ReadScan,
  readOptionsShape,
  readScan,
  type ScanPath,
} from "./read.js";

/** Geometry that {@link Volume.fromArray} needs with an array of voxels. */
export interface VolumeGeometry {
  /** Voxels along (z, y, x); x is fastest in the array. */
  shape: Triple;
  /** Row-major 4×4: voxel (x, y, z, 1) → RAS mm. */
  affine: readonly number[];
}

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
} as const satisfies Record<StoredType, unknown>;

const voxelArray = typedArray(...Object.values(arrays));
const extent = wholeNumber(1, 2 ** 31 - 1);
const volumeGeometry = z.object({
  shape: z.tuple([extent, extent, extent], "must be three numbers of voxels, [z, y, x]"),
  affine: z
    .array(z.number("must be a finite number"), "must be 16 numbers: a 4×4 matrix, row by row")
    .length(16, "must be 16 numbers: a 4×4 matrix, row by row"),
});
const readOptions = optionsOf(readOptionsShape);
const writeOptions = optionsOf({ labelXml: z.string().optional() });

/**
 * A 3D scan or label map in native memory, exactly as its file stores it.
 *
 * Voxels are indexed (z, y, x): x is the file's first axis and fastest in memory, whatever anatomical direction it
 * runs in; `affine` says which. Nothing is reordered on reading, so an index here is an index into the file.
 */
export class Volume {
  /** Where it came from; "" for a volume made from an array. */
  readonly path: string;
  /** Voxels along (z, y, x). */
  readonly shape: Triple;
  /** Edge lengths of a voxel, mm, (z, y, x). */
  readonly spacing: Triple;
  /** Row-major 4×4: voxel (x, y, z, 1) → RAS mm. */
  readonly affine: readonly number[];
  /** Where the stored x, y and z axes point, as letters of RLAPSI; for an oblique affine the nearest. */
  readonly axes: string;
  /** Type of the stored values, safetensors' names. */
  readonly dtype: StoredType;
  /** value = stored · slope + intercept; HU for a CT. */
  readonly slope: number;
  readonly intercept: number;
  /**
   * Warnings about the file that results should repeat: that it gives no orientation, that its axes are sheared. Usually empty.
   */
  readonly warnings: readonly string[];
  /** Warnings about the reading of a DICOM series, each with a stable code. Results do not repeat them. */
  readonly scanWarnings: readonly ScanWarning[];
  /** The label table in the file's header extension (Caret XML), or of a DICOM annotation's organs, if it has one. */
  readonly labelXml?: string;
  readonly #native: Owned<VolumeHandle>;
  #source: DicomSource | undefined;

  private constructor(scan: ReadScan, path: string, labelXml?: string) {
    const { handle, source, warnings } = scan;
    const info: VolumeInfo = native.volumeInfo(handle);
    this.#native = new Owned(handle, path === "" ? "The volume" : `The volume ${path}`);
    this.path = path;
    this.shape = info.shape;
    this.spacing = info.spacing;
    this.affine = info.affine;
    this.axes = info.axes;
    this.dtype = info.dtype;
    this.slope = info.slope;
    this.intercept = info.intercept;
    this.warnings = info.warnings;
    this.scanWarnings = warnings;
    this.#source = source;
    const xml = labelXml ?? info.labelXml;
    if (xml !== undefined) this.labelXml = xml;
  }

  /** @internal */
  get handle(): VolumeHandle {
    return this.#native.handle;
  }

  /** @internal A volume that native code made; `path` and `labelXml`: of the file that it was made of. */
  static fromHandle(
    handle: VolumeHandle,
    { path = "", labelXml }: { path?: string; labelXml?: string } = {},
  ): Volume {
    return new Volume({ handle, warnings: [] }, path, labelXml);
  }

  /** The acquired images behind a volume that was read from DICOM; gone once it is closed. */
  get source(): DicomSource | undefined {
    return this.#source;
  }

  /**
   * Reads a file of NIfTI (also a pair of `.hdr` and `.img`), NRRD or MetaImage, whose content decides which, or a DICOM series: a
   * folder with all below it, a DICOMDIR, a zip archive, a multi-frame file, or a list of files.
   * @throws InputError `FILE_NOT_FOUND`, `READ_FAILED`; `BAD_VOLUME` for files that are damaged, do not make one volume, or make several
   *   (it lists them); `NOT_HU` for a series without HU; UsageError for a `nan` that the scan's type of values cannot hold; AbortedError.
   */
  static async read(path: ScanPath, options: ReadOptions = {}): Promise<Volume> {
    checkArguments("Volume.read", { path: [path, aScanPath], options: [options, readOptions] });
    return new Volume(
      await readScan(path, options),
      typeof path === "string" ? path : (path[0] as string),
    );
  }

  /**
   * Copies voxels into native memory. The array must not change until the promise settles.
   * @throws UsageError for a shape that does not fit; InputError `BAD_VOLUME` for a singular affine.
   */
  static async fromArray(
    data: VoxelArray,
    geometry: VolumeGeometry,
    options: CallOptions = {},
  ): Promise<Volume> {
    checkArguments("Volume.fromArray", {
      data: [data, voxelArray],
      geometry: [geometry, volumeGeometry],
    });
    const { shape, affine } = geometry;
    const voxels = shape.reduce((product, extent) => product * extent, 1);
    if (voxels !== data.length) {
      throw new UsageError(
        `A volume of shape [${shape}] needs ${voxels} voxels, not ${data.length}.`,
      );
    }
    const run = callNative(options, (task) =>
      native.volumeFromArray(data, shape, [...affine], task),
    );
    return Volume.fromHandle(await run);
  }

  /** A copy of the stored values, (z, y, x), x fastest. */
  async stored(options: CallOptions = {}): Promise<VoxelArray> {
    const bytes = await callNative(options, (task) => native.volumeData(this.handle, false, task));
    return new arrays[this.dtype](bytes);
  }

  /** A copy of the values (HU for a CT): stored · slope + intercept. */
  async values(options: CallOptions = {}): Promise<Float32Array> {
    return new Float32Array(
      await callNative(options, (task) => native.volumeData(this.handle, true, task)),
    );
  }

  /** @internal Every step-th voxel along (z, y, x), from index ⌊(step − 1) / 2⌋ on, in its place. */
  async thinned(step: Triple, options: CallOptions = {}): Promise<Volume> {
    return Volume.fromHandle(
      await callNative(options, (task) => native.thinVolume(this.handle, step, task)),
    );
  }

  /**
   * Writes the volume as `.nii` or `.nii.gz`; the file is whole or not there.
   * @param labelXml a label table for the header extension, see `labelTableXml`.
   * @throws OutputError
   */
  async write(path: string, options: CallOptions & { labelXml?: string } = {}): Promise<void> {
    checkArguments("Volume.write", { path: [path, aPath], options: [options, writeOptions] });
    const xml = options.labelXml ?? "";
    await callNative(options, (task) => native.writeVolume(path, this.handle, null, xml, task));
  }

  /**
   * Writes other voxels (a mask, a label map) with this volume's geometry, to the bit.
   * @param labelXml a label table for the header extension, see `labelTableXml`.
   * @throws UsageError if data does not have this volume's number of voxels; OutputError.
   */
  async writeLike(
    path: string,
    data: VoxelArray,
    options: CallOptions & { labelXml?: string } = {},
  ): Promise<void> {
    checkArguments("Volume.writeLike", {
      path: [path, aPath],
      data: [data, voxelArray],
      options: [options, writeOptions],
    });
    const voxels = this.shape[0] * this.shape[1] * this.shape[2];
    if (data.length !== voxels) {
      throw new UsageError(`This volume has ${voxels} voxels, the data has ${data.length}.`);
    }
    const xml = options.labelXml ?? "";
    await callNative(options, (task) => native.writeVolume(path, this.handle, data, xml, task));
  }

  /**
   * A copy with the slices of a tilted gantry shifted in their planes until they lie one above the other, interpolated linearly;
   * −1024 where there was nothing. It is as large as that takes. Slices that are not tilted are copied as they are.
   */
  async rectified(options: CallOptions = {}): Promise<Volume> {
    return Volume.fromHandle(
      await callNative(options, (task) => native.rectifyVolume(this.handle, task)),
    );
  }

  /** Frees the native memory now rather than at garbage collection. */
  close(): void {
    this.#source = undefined;
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @internal A volume as public functions take it. */
export const aVolume = instanceOf(Volume, "Volume.read");

/** @internal A scan or label map as public functions take it: a file, or a volume that is open. */
export const volumeSource = z.union(
  [aPath, aVolume],
  "must be a path, as text, or a Volume (Volume.read gives one)",
);

/** The options for reading a label map with those for reading its scan: `nan` is not for labels. */
export function labelOptions({ threads, signal }: ReadOptions): CallOptions {
  return { ...(threads !== undefined && { threads }), ...(signal && { signal }) };
}

/** Runs `use` on a volume, reading and closing it if a path is given. */
export async function withVolume<T>(
  source: string | Volume,
  options: ReadOptions,
  use: (volume: Volume) => Promise<T>,
): Promise<T> {
  if (source instanceof Volume) return use(source);
  const volume = await Volume.read(source, options);
  try {
    return await use(volume);
  } finally {
    volume.close();
  }
}
