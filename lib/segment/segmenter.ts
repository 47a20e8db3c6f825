import type { Box } from "../localize/result.js";
import { type CallOptions, callNative } from "../native/call.js";
import type { Conventions, MasksHandle } from "../native/contract.js";
import { native } from "../native/loader.js";
import type { Volume } from "../volumes/volume.js";
import type { PromptedOrgan } from "./prompts.js";

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
  /** Resolves to what it took, as far as it counts that. Reject to fail the scan; heed `request.signal`. */
  segment(request: SegmentRequest): Promise<Partial<SegmenterWork>>;
}

/** The masks of a scan's organs while they are being made. */
export class Masks {
  /** @internal */
  readonly handle: MasksHandle;

  /** @internal Empty masks. */
  constructor(volume: Volume, organs: number) {
    this.handle = native.createMasks(volume.handle, organs);
  }

  /**
   * Makes the mask of organs[organ] from its probabilities in a box of stored voxels, (z, y, x) with x fastest;
   * foreground is above ½, and the higher one wins where organs overlap. Replaces what was there.
   * @throws UsageError for a box outside the volume or another number of probabilities than it has voxels.
   */
  async set(
    organ: number,
    box: Box,
    probabilities: Float32Array,
    options: CallOptions = {},
  ): Promise<void> {
    await callNative(options, (task) =>
      native.setMask(this.handle, organ, box.min, box.max, probabilities, task),
    );
  }

  /** @internal Frees them as soon as nothing uses them. */
  close(): void {
    native.release(this.handle);
  }
}
