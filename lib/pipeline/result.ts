/** Result of the job of one scan. Plain values: no native memory is held by it. */
import type { ScanWarning } from "../base/warnings.js";
import type { Localization } from "../localization/result.js";
import type { OrganPrompt } from "../segmentation/prompts.js";
import type { Segmentation, SegmentationTiming } from "../segmentation/segmentation.js";

/** One organ's mask in figures. */
export interface MaskSummary {
  label: number;
  /** Whether it was prompted; an absent organ has an empty mask. */
  present: boolean;
  voxels: number;
  /** mm³ */
  volume: number;
  /** Mean value (HU for a CT) in the mask; null for an empty one. */
  intensity: number | null;
}

export interface SegmentationSummary {
  /** Note in the masks' files about the networks that made them; "" for nothing. */
  note: string;
  /** By the organ's name. */
  organs: Record<string, MaskSummary>;
  timing: SegmentationTiming;
}

/** Counts of one scan, as a report lists them. */
export interface ScanCounts {
  organs: number;
  present: number;
  /** Patches that MedLAM ran on. */
  patches: number;
  /** Slices that the segmenter encoded, and prompts that it decoded; 0 without a segmenter. */
  encoderRuns: number;
  prompts: number;
}

/**
 * Seconds of one scan. `read` and `grid` may have passed while the scan before was worked on; `total` is without them.
 * `prepare`, `encode` and `decode` overlap within `segment`, and are 0 without a segmenter, as `segment` is.
 */
export interface ScanSeconds {
  read: number;
  grid: number;
  localize: number;
  prepare: number;
  encode: number;
  decode: number;
  segment: number;
  write: number;
  total: number;
}

export interface ScanResult {
  name: string;
  /** The image's path as it was given; "" for a volume that came from no file. */
  image: string;
  /** Where the organs are, by name. */
  organs: Record<string, OrganPrompt>;
  /** Missing where the prompts came from files. */
  localization?: Localization;
  /** Missing without a segmenter. */
  segmentation?: SegmentationSummary;
  /** Paths of the files that were written, the one that appeared last at the end; empty without an output. */
  files: string[];
  /** Warnings about the scan and its DICOM files, each with a stable code. */
  warnings: ScanWarning[];
  counts: ScanCounts;
  seconds: ScanSeconds;
}

export function summarize({ note, organs, timing }: Segmentation): SegmentationSummary {
  const figures = Object.values(organs).map(
    ({ name, label, present, voxels, volume, intensity }): [string, MaskSummary] => [
      name,
      { label, present, voxels, volume, intensity },
    ],
  );
  return { note, organs: Object.fromEntries(figures), timing };
}
