/**
 * The published code's result files, with its names, folders and lines, so that programs can read either. Nothing here
 * touches a disk.
 */
import { basename } from "node:path";
import type { Box, Triple } from "../geometry/box.js";

/** `path` is relative to the output folder, with `/` between folders. */
export interface ResultFile {
  path: string;
  text: string;
}

/** One class localized in one case. Boxes in stored voxels, inclusive, (z, y, x). */
export interface LocalizedClass {
  /** One box for each part. */
  parts: readonly Box[];
  truth: Box;
  /** Spacing of the label map, (z, y, x), mm. */
  spacing: Triple;
  iou: number;
  /** Wall distance, mm. */
  wd: number;
}

/** One class segmented in one case. */
export interface SegmentedClass {
  dice: number;
  /** mm. */
  hd95: number;
}

/** Results by class, with an entry for each case that could be evaluated, in the cases' order. */
export type ByClass<Found> = ReadonlyMap<number, readonly Found[]>;

/**
 * `result/iou/NAME.txt` and `result/wd/NAME.txt`, a line per class that any case has, and as JSON
 * `result/json/iou_NAME.txt`: by class, for every case the predicted boxes, the true one and the spacing.
 */
export function localizationFiles(config: string, found: ByClass<LocalizedClass>): ResultFile[] {
  const boxes = byClass(found, ({ parts, truth, spacing }) => [
    parts.map(corners),
    corners(truth),
    spacing,
  ]);
  return [
    summary("iou", config, "MedSAM IOU", found, ({ iou }) => iou),
    summary("wd", config, "MedSAM WD", found, ({ wd }) => wd),
    { path: `result/json/${named(config, "iou_")}`, text: JSON.stringify(boxes) },
  ];
}

/**
 * `result/dsc/NAME.txt` and `result/hd95/NAME.txt`, a line per class that any case has, and every case's values as JSON
 * in `result/json/dsc_NAME.txt` and `result/json/hd95_NAME.txt`, by class.
 */
export function segmentationFiles(config: string, found: ByClass<SegmentedClass>): ResultFile[] {
  const files = (kind: "dsc" | "hd95", title: string, value: (of: SegmentedClass) => number) => [
    summary(kind, config, title, found, value),
    {
      path: `result/json/${named(config, `${kind}_`)}`,
      text: JSON.stringify(byClass(found, value)),
    },
  ];
  return [...files("dsc", "DSC", ({ dice }) => dice), ...files("hd95", "HD95", ({ hd95 }) => hd95)];
}

/** The file name of one class's mask in one case, the `index`-th of the query list, counted from 0. */
export function maskName(config: string, image: string, index: number, label: number): string {
  return `${caseName(config, image, index, label)}.nii.gz`;
}

/** The file name of the picture of one class in one case, and with Sub-Patch Localization of one part, from 0. */
export function pngName(
  config: string,
  image: string,
  index: number,
  label: number,
  part?: number,
): string {
  return `${caseName(config, image, index, label)}${part === undefined ? "" : `_${part}`}.png`;
}

function caseName(config: string, image: string, index: number, label: number): string {
  const run = named(config, "").replaceAll(".txt", "");
  return `${run}_${basename(image).split(".")[0]}_${index}_cl${label}`;
}

/** The config's file name with every `test_` replaced. */
function named(config: string, replacement: string): string {
  return basename(config).replaceAll("test_", replacement);
}

function corners({ min, max }: Box): [Triple, Triple] {
  return [min, max];
}

function byClass<Found, Value>(
  found: ByClass<Found>,
  value: (of: Found) => Value,
): Record<string, Value[]> {
  return Object.fromEntries([...found].map(([label, cases]) => [label, cases.map(value)]));
}

function summary<Found>(
  kind: string,
  config: string,
  title: string,
  found: ByClass<Found>,
  value: (of: Found) => number,
): ResultFile {
  const lines = [...found]
    .filter(([, cases]) => cases.length > 0)
    .map(([label, cases]) => {
      const { mean, deviation } = meanAndDeviation(cases.map(value));
      return `${title} for class ${label}: ${threeDecimals(mean)} +- ${threeDecimals(deviation)}\n`;
    });
  return { path: `result/${kind}/${named(config, "")}`, text: lines.join("") };
}

/** Mean and population standard deviation. */
function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const average = (of: readonly number[]) => of.reduce((sum, each) => sum + each, 0) / of.length;
  const mean = average(values);
  return { mean, deviation: Math.sqrt(average(values.map((value) => (value - mean) ** 2))) };
}

/**
 * Formats like Python, which rounds halves to the even digit, whereas `toFixed` rounds them up. Only multiples of 1/16 are
 * halves here, and they are exact in binary.
 */
function threeDecimals(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const isHalf = Number.isInteger(value * 16) && Math.abs(value * 1000) % 1 === 0.5;
  if (!isHalf) return value.toFixed(3);
  const even = 2 * Math.round(value * 500);
  return (even / 1000).toFixed(3);
}
