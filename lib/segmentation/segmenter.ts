import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type { Conventions, MasksHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import { checkArguments, typedArray } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { aBox, type Box } from "../geometry/box.js";
import type { Volume } from "../volumes/volume.js";
import type { PromptedOrgan } from "./prompts.js";

/** The work of segmenting one scan, under names of the segmenter's own; {@link Sam.segment} says those of SAM. */
export interface SegmenterWork {
  /** Numbers of what was done. */
  counts?: Readonly<Record<string, number>>;
  /** Seconds that parts of the work took. Parts that overlap may add up to more than the wall time. */
  seconds?: Readonly<Record<string, number>>;
}

/** Input of a {@link Segmenter}. */
export interface SegmentRequest extends CallOptions {
  volume: Volume;
  /** Organs to segment. Those without boxes and points are absent: leave their masks empty. */
  organs: readonly PromptedOrgan[];
  conventions: Conventions;
  /** The masks to fill. */
  masks: Masks;
  onProgress(done: number, total: number): void;
  /** To be called when the mask of organs[i] is complete; masks without a call are complete at the end. */
  onComplete(organ: number): void;
}

/**
 * Turns prompts into masks. {@link Sam} is one; a 3D SAM or a model of your own is another: it reads the volume and the
 * prompts, and passes every organ's probabilities to `request.masks.set`. The caller does the filtering, overlaps, label
 * maps, files, statistics and previews.
 */
export interface Segmenter {
  /** Its name in reports. */
  readonly name: string;
  /** Warning that its masks must carry, such as that it is a demo model. */
  readonly note?: string;
  /** Resolves to the counts and seconds that it has measured. Reject to fail the scan; observe `request.signal`. */
  segment(request: SegmentRequest): Promise<SegmenterWork>;
}

/** @internal Schema of a segmenter as an argument. */
export const aSegmenter = z.custom(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    "segment" in value &&
    typeof value.segment === "function",
  "must be a Sam (Sam.load gives one), or an object with a method segment()",
);

/** The masks of a scan's organs, while they are being made. */
export class Masks {
  readonly #native: Owned<MasksHandle>;
  readonly #organs: number;
  readonly #segmenter: Segmenter;
  /** Pending write for each organ: a mask allows one writer and no concurrent reader. */
  readonly #changes = new Map<number, Promise<void>>();
  readonly #complete = new Set<number>();

  private constructor(volume: Volume, organs: number, segmenter: Segmenter) {
    this.#native = new Owned(native.createMasks(volume.handle, organs), "The segmentation");
    this.#organs = organs;
    this.#segmenter = segmenter;
  }

  /** @internal Empty masks, for this segmenter to fill. */
  static make(volume: Volume, organs: number, segmenter: Segmenter): Masks {
    return new Masks(volume, organs, segmenter);
  }

  /** @internal Whether all of them are this segmenter's work, and not of one that passes its request on. */
  isMadeBy(segmenter: Segmenter): boolean {
    return this.#segmenter === segmenter;
  }

  /** @internal */
  get handle(): MasksHandle {
    return this.#native.handle;
  }

  /**
   * Makes the mask of organs[organ] from its probabilities in a box of stored voxels, (z, y, x) with x fastest. Above ½ is
   * foreground, and where organs overlap the higher one wins. Replaces an earlier mask.
   * @throws UsageError for a box outside the volume, another number of probabilities than it has voxels, an organ that is
   * not there, or one whose mask was said to be complete.
   */
  async set(
    organ: number,
    box: Box,
    probabilities: Float32Array,
    options: CallOptions = {},
  ): Promise<void> {
    checkArguments("Masks.set", {
      organ: [organ, z.number()],
      box: [box, aBox],
      probabilities: [probabilities, typedArray(Float32Array)],
    });
    if (!Number.isInteger(organ) || organ < 0 || organ >= this.#organs) {
      throw new UsageError(`There is no organs[${organ}]: ${this.#organs} were asked for.`);
    }
    if (this.#complete.has(organ)) {
      throw new UsageError(
        `The mask of organs[${organ}] was said to be complete. Set it before onComplete, and before the segmenter ends.`,
      );
    }
    const change = (this.#changes.get(organ) ?? Promise.resolve()).then(() =>
      callNative(options, (task) =>
        native.setMask(this.handle, organ, box.min, box.max, probabilities, task),
      ),
    );
    this.#changes.set(
      organ,
      change.catch(() => {}), // the caller gets the error from `change`
    );
    await change;
  }

  /** @internal Freezes the organ's mask after pending writes. */
  async complete(organ: number): Promise<void> {
    this.#complete.add(organ);
    await this.#changes.get(organ);
  }

  /** @internal Frees them as soon as nothing uses them. */
  close(): void {
    this.#native.close();
  }
}
