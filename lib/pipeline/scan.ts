/** A scan read into memory and, where it is to be localized, put on the grid: what can be done before the networks run. */
import type { Progress } from "../addon/call.js";
import { secondsSince } from "../base/time.js";
import { Grid, type MakeGridOptions } from "../localization/grid.js";
import type { ReadOptions } from "../volumes/read.js";
import { Volume } from "../volumes/volume.js";

export interface OpenScanOptions extends MakeGridOptions, ReadOptions {
  /** Whether the scan is put on the localization grid. */
  grid: boolean;
  onProgress?: (progress: Progress) => void;
}

/** A scan that {@link Pipeline.open} made ready; `close()` it after use. */
export class OpenScan {
  readonly volume: Volume;
  readonly grid?: Grid;
  /** Seconds that reading and gridding took. */
  readonly seconds: { readonly read: number; readonly grid: number };
  readonly #ownsVolume: boolean;

  private constructor(
    volume: Volume,
    grid: Grid | undefined,
    seconds: OpenScan["seconds"],
    ownsVolume: boolean,
  ) {
    this.volume = volume;
    if (grid !== undefined) this.grid = grid;
    this.seconds = seconds;
    this.#ownsVolume = ownsVolume;
  }

  /** @internal A volume that is given stays its owner's. */
  static async open(image: string | Volume, options: OpenScanOptions): Promise<OpenScan> {
    const { onProgress } = options;
    const ownsVolume = typeof image === "string";
    const started = performance.now();
    if (ownsVolume) onProgress?.({ phase: "read", done: 0, total: 1 });
    const volume = ownsVolume ? await Volume.read(image, options) : image;
    const read = ownsVolume ? secondsSince(started) : 0;
    if (!options.grid) return new OpenScan(volume, undefined, { read, grid: 0 }, ownsVolume);
    try {
      const gridStarted = performance.now();
      onProgress?.({ phase: "grid", done: 0, total: 1 });
      const grid = await Grid.make(volume, options);
      return new OpenScan(volume, grid, { read, grid: secondsSince(gridStarted) }, ownsVolume);
    } catch (error) {
      if (ownsVolume) volume.close();
      throw error;
    }
  }

  /** Frees the grid alone: it is not needed to segment. */
  releaseGrid(): void {
    this.grid?.close();
  }

  /** Frees the grid, and the volume if it was read from a file. */
  close(): void {
    this.grid?.close();
    if (this.#ownsVolume) this.volume.close();
  }
}
