/** The scans of a run: which files they are, what they are called, and one machine's share of them. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { CallOptions } from "../addon/call.js";
import { aPath, checkArguments, optionsOf } from "../base/arguments.js";
import { InputError, UsageError } from "../base/errors.js";
import { isPathList, readPathList } from "../formats/lists.js";
import { imageStem, isLabelStem, isScan, scanExtensions, stemOf } from "../formats/scan-names.js";
import {
  type DicomOptions,
  holdsDicom,
  isDicomInput,
  listSeries,
  readOptionsShape,
} from "../volumes/read.js";
import type { NamedCase } from "./events.js";

/** One scan of a run. */
export interface ScanCase extends NamedCase {
  /** The file's name without `.nii.gz` or another ending of scans; no two cases of a run share one. */
  readonly name: string;
  readonly image: string;
  /** The DICOM series, where several are read from one image: see {@link DicomOptions}. */
  readonly series?: string;
  /** The file that a pipeline without a segmenter writes its boxes to, if it is not `OUTPUT/NAME.json`. */
  readonly boxes?: string;
}

/**
 * The images that these paths stand for, in their order: an image itself; a folder, for the scans in it by
 * name, without hidden ones and label maps next to their image (`NAME_label`, `NAME_seg`); a folder without any but with DICOM in it or
 * below it, for itself, which is one scan; a `.txt` list, for its lines, which are paths from the current folder.
 * @throws InputError for a list or folder that cannot be read or holds no image.
 */
export async function listImages(inputs: readonly string[]): Promise<string[]> {
  checkArguments("listImages", { inputs: [inputs, z.array(aPath)] });
  const lists = await Promise.all(inputs.map(expand));
  return lists.flat();
}

async function expand(input: string): Promise<string[]> {
  const found = await stat(input).catch(() => undefined);
  if (!found?.isDirectory()) return isPathList(input) ? readPathList(input) : [input];
  const names = (await readdir(input))
    .filter((name) => isScan(name) && !name.startsWith("."))
    .sort();
  const stems = new Set(names.map(stemOf));
  const images = names.filter(
    (name) => !isLabelStem(stemOf(name)) || !stems.has(imageStem(stemOf(name))),
  );
  if (images.length > 0) return images.map((name) => join(input, name));
  if (await holdsDicom(input)) return [input];
  throw new InputError(
    "FILE_NOT_FOUND",
    `${input}: no scan in this folder (${scanExtensions.join(", ")}), and no DICOM below it.`,
  );
}

/** The cases of these images. @throws UsageError if two would have the same name. */
export function casesOf(images: readonly string[]): ScanCase[] {
  checkArguments("casesOf", { images: [images, z.array(aPath)] });
  const cases = images.map((image) => ({ name: stemOf(image), image }));
  requireNames(cases);
  return cases;
}

/** How the series of images are listed. */
export type SeriesCaseOptions = CallOptions & Pick<DicomOptions, "modality">;

/**
 * A case for every DICOM series in these images that can be read, called `NAME-1`, `NAME-2` where an image holds several; other
 * images are a case each.
 * @throws InputError for an image whose series cannot be listed; UsageError for two of one name; AbortedError.
 */
export async function casesOfSeries(
  images: readonly string[],
  options: SeriesCaseOptions = {},
): Promise<ScanCase[]> {
  checkArguments("casesOfSeries", {
    images: [images, z.array(aPath)],
    options: [options, seriesCaseOptions],
  });
  const cases: ScanCase[] = [];
  for (const image of images) {
    const series = (await isDicomInput(image)) ? await listSeries(image, options) : [];
    const name = stemOf(image);
    if (series.length < 2) cases.push({ name, image });
    else
      cases.push(...series.map(({ uid }, i) => ({ name: `${name}-${i + 1}`, image, series: uid })));
  }
  requireNames(cases);
  return cases;
}

const seriesCaseOptions = optionsOf({ modality: readOptionsShape.modality });

/** @throws UsageError for cases whose results could not be written apart. */
export function requireNames(cases: readonly ScanCase[]): void {
  const seen = new Map<string, string>();
  for (const { name, image } of cases) {
    if (/^\.*$/.test(name)) {
      throw new UsageError(`${image}: this file name cannot be used as a folder name.`);
    }
    const other = seen.get(name);
    if (other !== undefined) {
      throw new UsageError(
        `${other} and ${image} would both be written to ${name}. Give images of different names, or run them apart.`,
      );
    }
    seen.set(name, image);
  }
}

/** A part of a run, for one of several machines. */
export interface Shard {
  /** Number of the part, from 0. */
  index: number;
  /** Number of parts. */
  count: number;
}

/** Every count-th case from `index` on, so that neighbors, often alike in size, are spread. @throws UsageError */
export function casesOfShard<Each>(cases: readonly Each[], shard: Shard | undefined): Each[] {
  if (shard === undefined) return [...cases];
  const { index, count } = shard;
  if (!Number.isInteger(count) || !Number.isInteger(index) || index < 0 || index >= count) {
    throw new UsageError(`Part ${index} of ${count}: parts are counted from 0 to ${count - 1}.`);
  }
  return cases.filter((_, i) => i % count === index);
}
