import { type CallOptions, callNative } from "../addon/call.js";
import type { Conventions, GridHandle, GridInfo, Landmarks } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import { type Affine, apply, invert } from "../geometry/affine.js";
import type { Triple } from "../geometry/box.js";
import type { Volume } from "../volumes/volume.js";

/** Voxels of 0 around the scan (algorithm.md part 1.4). */
export const padding = 32;
/** mm between its points (algorithm.md part 1.2). */
export const gridSpacing = 3;

/** How a scan is put on the grid. */
export interface GridOptions extends CallOptions {
  /** "exact" by default. */
  conventions?: Conventions;
  /** The intensities are in [0, 1] already: do not map HU. */
  normalized?: boolean;
}

/**
 * A scan on the localization grid: LAS order, 3 mm, HU mapped to [0, 1], padded (algorithm.md part 1). `localize` makes it
 * by itself; made ahead, it can be ready when the network is.
 */
export class Grid {
  /** Of the padded grid, (z, y, x). */
  readonly shape: Triple;
  readonly conventions: Conventions;
  /** @internal */
  readonly info: GridInfo;
  /** @internal */
  readonly handle: GridHandle;
  /** @internal Surveys by the network they were made with: they serve any number of templates. */
  readonly surveys = new WeakMap<object, Landmarks>();

  private constructor(handle: GridHandle, conventions: Conventions) {
    this.handle = handle;
    this.conventions = conventions;
    this.info = native.gridInfo(handle);
    this.shape = this.info.shape;
  }

  /** @throws InputError `NOT_HU`, `BAD_VOLUME`. */
  static async make(
    volume: Volume,
    { conventions = "exact", normalized = false, ...options }: GridOptions = {},
  ): Promise<Grid> {
    const make = callNative(options, (task) =>
      native.makeGrid(volume.handle, conventions, normalized, task),
    );
    try {
      return new Grid(await make, conventions);
    } catch (error) {
      if (error instanceof InputError && volume.path !== "") {
        throw new InputError(error.code, `${volume.path}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }

  /** A padded grid point → stored voxel, (z, y, x) both; whole numbers for "reference" (Q4). */
  toStored(point: readonly number[], conventions: Conventions): Triple {
    const { lasShape, zoom, lasToStored } = this.info;
    const las = point.map((value, axis) => {
      const inside = value - padding;
      if (conventions === "reference") return roundHalfEven(inside / (zoom[axis] as number));
      return inside / this.cornerAlignedZoom(axis, lasShape[axis] as number);
    });
    return reverse(apply(lasToStored, reverse(las)));
  }

  /** LPS mm → padded grid point, (z, y, x), not rounded. */
  fromPhysical(lps: readonly number[], affine: Affine, conventions: Conventions): Triple {
    const { lasShape, zoom, lasToStored } = this.info;
    const [x, y, z] = lps as Triple;
    const voxel = apply(invert(affine), [-x, -y, z]);
    const las = reverse(apply(invert(lasToStored), voxel));
    return las.map((value, axis) => {
      const scale =
        conventions === "reference"
          ? (zoom[axis] as number)
          : this.cornerAlignedZoom(axis, lasShape[axis] as number);
      return value * scale + padding;
    }) as Triple;
  }

  /** Grid steps per LAS voxel step of the resampling, whose first and last samples meet. */
  private cornerAlignedZoom(axis: number, length: number): number {
    const outputs = (this.shape[axis] as number) - 2 * padding;
    return outputs > 1 && length > 1
      ? (outputs - 1) / (length - 1)
      : (this.info.zoom[axis] as number);
  }

  /** Frees the native memory now rather than at garbage collection. */
  close(): void {
    native.release(this.handle);
  }
}

/** Rounds as IEEE 754 and NumPy do: halves to the even neighbour. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function reverse(triple: readonly number[]): Triple {
  return [triple[2], triple[1], triple[0]] as Triple;
}
