import { z } from "zod";
import { type CallOptions, callNative, callSync } from "../addon/call.js";
import type { Conventions, GridHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import { aConvention, checkArguments, optionsOf } from "../base/arguments.js";
import { InputError } from "../base/errors.js";
import type { Point, Triple } from "../geometry/box.js";
import { aVolume, type Volume } from "../volumes/volume.js";

/** How a scan is put on the grid. */
export interface GridOptions extends CallOptions {
  /** "exact" by default. */
  conventions?: Conventions;
  /** The intensities are in [0, 1] already: do not map HU. */
  normalized?: boolean;
}

/** Options of {@link Grid.make}. */
export interface MakeGridOptions extends GridOptions {
  /** Where the network will look at it, {@link MedLam.device}: a GPU that the CUDA plugin knows makes the grid, too. "cpu" by default. */
  device?: string;
}

/** @internal What {@link GridOptions} add to every call's options. */
export const gridOptionsShape = {
  conventions: aConvention.optional(),
  normalized: z.boolean().optional(),
};

/**
 * A scan on the localization grid: LAS order, 3 mm, HU mapped to [0, 1], padded by 32 voxels on every side (algorithm.md
 * part 1). `localize` makes it by itself; made ahead, it can be ready when the network is. It keeps the surveys made of it.
 */
export class Grid {
  /** Shape of the padded grid, (z, y, x). */
  readonly shape: Triple;
  readonly conventions: Conventions;
  readonly #native: Owned<GridHandle>;

  private constructor(handle: GridHandle, conventions: Conventions) {
    this.#native = new Owned(handle, "The grid");
    this.conventions = conventions;
    this.shape = native.gridInfo(handle).shape;
  }

  /** @internal */
  get handle(): GridHandle {
    return this.#native.handle;
  }

  /** @throws InputError `NOT_HU`, `BAD_VOLUME`. */
  static async make(volume: Volume, options: MakeGridOptions = {}): Promise<Grid> {
    checkArguments("Grid.make", {
      volume: [volume, aVolume],
      options: [options, optionsOf({ ...gridOptionsShape, device: z.string().optional() })],
    });
    const { conventions = "exact", normalized = false } = options;
    const device = callSync(() => native.parseDevice(options.device ?? "cpu"));
    const make = callNative(options, (task) =>
      native.makeGrid({ volume: volume.handle, conventions, normalized, device }, task),
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

  /** @internal A padded grid point → stored voxel, (z, y, x) both; whole numbers for "reference" conventions (Q4). */
  toStored([z, y, x]: Triple): Triple {
    return native.gridToStored(this.handle, [z, y, x]);
  }

  /** @internal LPS mm (x, y, z) → padded grid point (z, y, x), not rounded. */
  fromPhysical([x, y, z]: Point): Triple {
    return native.gridFromPhysical(this.handle, [x, y, z]);
  }

  /** Frees the native memory now rather than at garbage collection. */
  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
