import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { aPath, checkArguments } from "../base/arguments.js";
import type { MaskSet, WrittenMasks } from "../dicom-masks/mask-set.js";
import { writeRtStructFile } from "../dicom-masks/write-rtstruct.js";
import { writeSegFile } from "../dicom-masks/write-seg.js";
import { labelTableXml } from "../formats/label-names.js";
import { aBox, type Box, type Triple } from "../geometry/box.js";
import { aVolume, Volume } from "../volumes/volume.js";
import {
  type WriteRtStructOptions,
  type WriteSegOptions,
  withPlacement,
  writeRtStructOptions,
  writeSegOptions,
} from "./dicom-files.js";
import {
  type PreviewOptions,
  previewOptions,
  type Source,
  shown,
  writeMasks,
  writePreview,
} from "./mask-files.js";
import type { PromptedOrgan } from "./prompts.js";

const organOfMap = z.object({ labels: aVolume, label: z.number() }).nullable();

/** One organ's mask. */
export class SegmentedOrgan {
  readonly name: string;
  /** Its value in the label map. */
  readonly label: number;
  /** Whether it was prompted. An absent organ has an empty mask. */
  readonly present: boolean;
  /** Foreground voxels. */
  readonly voxels: number;
  /** mm³ */
  readonly volume: number;
  /** Mean value (HU for a CT) in the mask; null for an empty one. */
  readonly intensity: number | null;
  readonly #source: Source;
  readonly #index: number;

  private constructor(
    { name, label, boxes, points }: PromptedOrgan,
    { voxels, mean }: { voxels: number; mean: number },
    index: number,
    source: Source,
  ) {
    const [z, y, x] = source.volume.spacing;
    this.name = name;
    this.label = label;
    this.present = boxes.length + points.length > 0;
    this.voxels = voxels;
    this.volume = voxels * z * y * x;
    this.intensity = Number.isNaN(mean) ? null : mean;
    this.#index = index;
    this.#source = source;
  }

  /** @internal Measures an organ whose mask is complete. */
  static async measure(
    organ: PromptedOrgan,
    index: number,
    source: Source,
    options: CallOptions,
  ): Promise<SegmentedOrgan> {
    const { masks, volume } = source;
    const measured = await callNative(options, (task) =>
      native.maskStatistics(masks.handle, index, volume.handle, task),
    );
    return new SegmentedOrgan(organ, measured, index, source);
  }

  /** 0 or 1 for every stored voxel, (z, y, x) with x fastest. */
  async mask(options: CallOptions = {}): Promise<Uint8Array> {
    const [organ, label] = [Int32Array.of(this.#index), Int32Array.of(1)];
    return new Uint8Array(
      await callNative(options, (task) =>
        native.maskValues(this.#source.masks.handle, organ, label, false, task),
      ),
    );
  }

  /** The mask in native memory, 0 or 1, with the scan's geometry. Close it after use. */
  async toVolume(options: CallOptions = {}): Promise<Volume> {
    const { masks, volume } = this.#source;
    return Volume.fromHandle(
      await callNative(options, (task) =>
        native.maskVolume(masks.handle, this.#index, volume.handle, task),
      ),
    );
  }

  /**
   * Writes a PNG like {@link Segmentation.writePreview} of this organ alone, through the middle of `boxes`.
   * @param truth a label map on the same voxels, and the organ's label in it: its contour is drawn in white.
   */
  async writePreview(
    path: string,
    boxes: readonly Box[],
    truth: { labels: Volume; label: number } | null = null,
    options: CallOptions = {},
  ): Promise<void> {
    checkArguments("SegmentedOrgan.writePreview", {
      path: [path, aPath],
      boxes: [boxes, z.array(aBox)],
      truth: [truth, organOfMap],
    });
    const only = { organ: this.#index, name: this.name, boxes, label: this.label };
    await writePreview(path, this.#source, [only], truth, options);
  }

  /** Writes the mask as `.nii` or `.nii.gz` with the scan's geometry to the bit. @throws OutputError */
  async write(path: string, options: CallOptions = {}): Promise<void> {
    checkArguments("SegmentedOrgan.write", { path: [path, aPath] });
    await writeMasks(this.#source, [this.#index], [1], path, "", options);
  }
}

/** Counts and seconds of one segmentation. */
export interface SegmentationTiming {
  /** Counts by the segmenter; for SAM see {@link Sam.segment}. */
  counts: Readonly<Record<string, number>>;
  /** Seconds of the segmenter's stages, reading the scan, and everything together. */
  seconds: Readonly<Record<string, number>> & { read: number; total: number };
}

/** The masks of a scan's organs, kept in native memory until `close()`. */
export class Segmentation {
  /** The image's path as it was given; "" for a volume that came from no file. */
  readonly image: string;
  /** Shape of the stored volume, (z, y, x). */
  readonly shape: Triple;
  /** By name, in the order they were asked for. */
  readonly organs: Readonly<Record<string, SegmentedOrgan>>;
  readonly timing: SegmentationTiming;
  /** Note in its files about the networks that made them: in the header's `descrip`, in PNGs; "" for nothing. */
  readonly note: string;
  readonly #source: Source;
  readonly #prompts: readonly PromptedOrgan[];
  readonly #closeVolume: boolean;

  private constructor(
    prompts: readonly PromptedOrgan[],
    organs: readonly SegmentedOrgan[],
    timing: SegmentationTiming,
    source: Source,
    closeVolume: boolean,
  ) {
    this.image = source.volume.path;
    this.shape = source.volume.shape;
    this.organs = Object.fromEntries(organs.map((organ) => [organ.name, organ]));
    this.timing = timing;
    this.note = source.note;
    this.#source = source;
    this.#prompts = prompts;
    this.#closeVolume = closeVolume;
  }

  /** @internal `closeVolume`: the volume is the segmentation's to close. */
  static make(
    prompts: readonly PromptedOrgan[],
    organs: readonly SegmentedOrgan[],
    timing: SegmentationTiming,
    source: Source,
    closeVolume: boolean,
  ): Segmentation {
    return new Segmentation(prompts, organs, timing, source, closeVolume);
  }

  /** All organs in one volume of their labels; where they overlap the more probable one (algorithm.md 6.6). */
  async labelMap(options: CallOptions = {}): Promise<Uint8Array | Uint16Array> {
    const labels = this.#labels;
    const wide = labels.some((label) => label > 255);
    const organs = Int32Array.from(labels.keys());
    const bytes = await callNative(options, (task) =>
      native.maskValues(this.#source.masks.handle, organs, Int32Array.from(labels), wide, task),
    );
    return wide ? new Uint16Array(bytes) : new Uint8Array(bytes);
  }

  /** Writes the label map, the organs' names in its header extension. @throws OutputError */
  async writeLabelMap(path: string, options: CallOptions = {}): Promise<void> {
    checkArguments("Segmentation.writeLabelMap", { path: [path, aPath] });
    const labels = this.#labels;
    const names = new Map(Object.values(this.organs).map(({ label, name }) => [label, name]));
    await writeMasks(this.#source, [...labels.keys()], labels, path, labelTableXml(names), options);
  }

  /**
   * Writes a PNG of the scan's slices through the middle of all boxes (axial, coronal, sagittal) with the masks' contours and the boxes
   * that prompted them, and below them the organs' names beside their colors. @throws OutputError
   */
  async writePreview(path: string, options: PreviewOptions = {}): Promise<void> {
    checkArguments("Segmentation.writePreview", {
      path: [path, aPath],
      options: [options, previewOptions],
    });
    await writePreview(path, this.#source, this.#prompts.map(shown), null, options);
  }

  /**
   * Writes the masks as a DICOM segmentation (SEG) that refers to the scan's images. Organs without a voxel are not in it; if no organ
   * has one, there is no file.
   * @throws UsageError for a scan that was not read from DICOM, without a `reference`; InputError `GEOMETRY_MISMATCH`; OutputError;
   *   AbortedError.
   */
  async writeSeg(path: string, options: WriteSegOptions = {}): Promise<WrittenMasks> {
    checkArguments("Segmentation.writeSeg", {
      path: [path, aPath],
      options: [options, writeSegOptions],
    });
    return withPlacement(this.scan, options, (placement) =>
      writeSegFile(path, this.#maskSet, placement, options),
    );
  }

  /** Writes the masks as an RT structure set (RTSTRUCT), like {@link Segmentation.writeSeg}. */
  async writeRtStruct(path: string, options: WriteRtStructOptions = {}): Promise<WrittenMasks> {
    checkArguments("Segmentation.writeRtStruct", {
      path: [path, aPath],
      options: [options, writeRtStructOptions],
    });
    return withPlacement(this.scan, options, (placement) =>
      writeRtStructFile(path, this.#maskSet, placement, options),
    );
  }

  /** Frees the masks, and the scan if `segment` read it itself. */
  close(): void {
    this.#source.masks.close();
    if (this.#closeVolume) this.#source.volume.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal What the masks are of. */
  get scan(): Volume {
    return this.#source.volume;
  }

  get #maskSet(): MaskSet {
    const { masks, note } = this.#source;
    return { handle: masks.handle, organs: Object.values(this.organs), note };
  }

  get #labels(): number[] {
    return Object.values(this.organs).map(({ label }) => label);
  }
}

/** How masks are cleaned before they count; nothing is by default. */
export interface MaskFilter {
  /** Keep only the largest connected component (voxels touching by faces, edges or corners). */
  largestComponent?: boolean;
  /** Remove components of fewer voxels. */
  minVoxels?: number;
}

/** Cleans one organ's mask and measures it. @internal */
export async function finishOrgan(
  organ: PromptedOrgan,
  index: number,
  source: Source,
  { largestComponent = false, minVoxels = 0 }: MaskFilter,
  options: CallOptions,
): Promise<SegmentedOrgan> {
  const { masks } = source;
  if (largestComponent || minVoxels > 0) {
    await callNative(options, (task) =>
      native.filterMask(masks.handle, index, largestComponent, minVoxels, task),
    );
  }
  return SegmentedOrgan.measure(organ, index, source, options);
}
