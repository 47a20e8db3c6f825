import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type { Conventions, MasksHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import { checkArguments, typedArray } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import type { Box } from "../geometry/box.js";
import type { Volume } from "../volumes/volume.js";
import { aBox, type PromptedOrgan } from "./prompts.js";

/** What segmenting one scan took: counts and seconds. Seconds of work that overlaps may exceed the wall clock's. */
export interface SegmenterWork {
  /** Slices that the image encoder ran on. */
  encoderRuns: number;
  /** Prompts that were decoded into masks. */
  prompts: number;
  /** Cutting slices out and resizing them. */
  prepare: number;
  encode: number;
  /** Decoding prompts into masks. */
  decode: number;
}

/** What a {@link Segmenter} is handed. */
export interface SegmentRequest extends CallOptions {
  volume: Volume;
  /** Organs without boxes and points are absent: leave their masks empty. */
  organs: readonly PromptedOrgan[];
  conventions: Conventions;
  /** If given, only these axial slices are to be segmented: indices along the stored axis nearest to head–foot. */
  slices?: readonly number[];
  /** To be filled. */
  masks: Masks;
  onProgress(done: number, total: number): void;
  /** To be called when the mask of organs[i] is complete. Those never named are complete at the end. */
  onComplete(organ: number): void;
}

/**
 * What turns prompts into masks. {@link Sam} is one; a 3D SAM or a model of your own is another: it reads the volume,
 * sees the prompts, and hands every organ's probabilities to `request.masks.set`. Filtering, overlaps, label maps, files,
 * statistics and previews are done by who asked it.
 */
export interface Segmenter {
  /** Named in reports. */
  readonly name: string;
  /** What masks made with it must say of it, such as that it is a demo model. */
  readonly note?: string;
  /** Resolves to what it took, as far as it counts that. Reject to fail the scan; heed `request.signal`. */
  segment(request: SegmentRequest): Promise<Partial<SegmenterWork>>;
}

/** A segmenter as `segment` takes it. */
export const aSegmenter = z.custom(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    "segment" in value &&
    typeof value.segment === "function",
  "must be a Sam (Sam.load gives one), or an object with a method segment()",
);

/** The masks of a scan's organs while they are being made. */
export class Masks {
  readonly #native: Owned<MasksHandle>;
  readonly #organs: number;
  /** By organ, what is being set: native code must not see one mask changed and read, or changed twice, at a time. */
  readonly #changes = new Map<number, Promise<void>>();
  readonly #complete = new Set<number>();

  private constructor(volume: Volume, organs: number) {
    this.#native = new Owned(native.createMasks(volume.handle, organs), "The segmentation");
    this.#organs = organs;
  }

  /** @internal Empty masks. */
  static make(volume: Volume, organs: number): Masks {
    return new Masks(volume, organs);
  }

  /** @internal */
  get handle(): MasksHandle {
    return this.#native.handle;
  }

  /**
   * Makes the mask of organs[organ] from its probabilities in a box of stored voxels, (z, y, x) with x fastest;
   * foreground is above ½, and the higher one wins where organs overlap. Replaces what was there.
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
      change.catch(() => {}), // told to who called
    );
    await change;
  }

  /** @internal The organ's mask stays as it is once what is being set is. */
  async complete(organ: number): Promise<void> {
    this.#complete.add(organ);
    await this.#changes.get(organ);
  }

  /** @internal Frees them as soon as nothing uses them. */
  close(): void {
    this.#native.close();
  }
}
