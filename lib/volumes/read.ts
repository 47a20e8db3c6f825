/** From what a scan is given as, a file of any format or a DICOM series, to voxels in native memory. */
import { readdir } from "node:fs/promises";
import { z } from "zod";
import { type CallOptions, callNative, type Progress } from "../addon/call.js";
import type { VolumeHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { aFunction, aPath, checkArguments, optionsOf } from "../base/arguments.js";
import { InputError } from "../base/errors.js";
import type { ScanWarning } from "../base/warnings.js";
import { holdsDicom, inputKind } from "../dicom/files/inputs.js";
import type { SeriesInfo } from "../dicom/series/listing.js";
import { listCandidates, readSeries, type SeriesOptions } from "../dicom/series/read.js";
import type { Modality } from "../dicom/series/survey.js";
import type { DicomSource } from "../dicom/source.js";

/** How a DICOM series is chosen and read. Files of other formats have no use for it. */
export interface DicomOptions {
  /**
   * The series to read where there are several: a SeriesInstanceUID, SeriesNumber or SeriesDescription (case does not matter), each followed
   * by `#n` where a series holds several volumes. {@link listSeries} lists them.
   */
  series?: string;
  /** Interpolate slices where they are missing or unevenly spaced, which is refused by default. */
  resampleSlices?: boolean;
  /** "any" takes MR and PT as well, whose values are not HU; "ct" by default. */
  modality?: Modality;
}

/** Options of {@link Volume.read}, and of every call that reads scans. */
export interface ReadOptions extends CallOptions, DicomOptions {
  /**
   * Value that NaN or infinite voxels of a scan are read as, in its units (HU; -1000 is air): the borders of a
   * resampled CT. They stay by default, and a scan that has some cannot be localized. Label maps are read as they are.
   */
  nan?: number;
  /** Called as a DICOM series is read. */
  onProgress?: (progress: Progress) => void;
}

/** @internal What {@link DicomOptions} add to a call's options. */
export const dicomOptionsShape = {
  series: z.string("must be a series' UID, number or description, as text").optional(),
  resampleSlices: z.boolean().optional(),
  modality: z.enum(["ct", "any"]).optional(),
};

/** @internal What {@link ReadOptions} add to every call's options. */
export const readOptionsShape = {
  ...dicomOptionsShape,
  nan: z.number("must be a finite number, such as -1000 (HU)").optional(),
  onProgress: aFunction.optional(),
};

/** One path, or the files and folders of one DICOM series. */
export type ScanPath = string | readonly string[];

/** @internal A scan's path or paths as public functions take it. */
export const aScanPath = z.union(
  [aPath, z.array(aPath).min(1)],
  "must be a path, as text, or a list of the paths of one scan",
);

/** @internal A scan that was read. */
export interface ReadScan {
  handle: VolumeHandle;
  source?: DicomSource;
  warnings: readonly ScanWarning[];
}

/** @internal */
export async function readScan(path: ScanPath, options: ReadOptions): Promise<ReadScan> {
  const paths = typeof path === "string" ? [path] : path;
  if (paths.length > 1 || (await isDicomInput(paths[0] as string)))
    return readSeries(paths, seriesOptions(options));
  const { nan = null } = options;
  const handle = await callNative(options, (task) =>
    native.readVolume(paths[0] as string, nan, task),
  );
  return { handle, warnings: [] };
}

/** @internal */
export { holdsDicom };

/** @internal Whether a path is read as DICOM: an archive, a DICOM file, a folder without other volumes in it. */
export async function isDicomInput(path: string): Promise<boolean> {
  const kind = await inputKind(path);
  if (kind !== "folder") return kind !== "other";
  const names = await readdir(path).catch(() => []);
  const extensions = native.volumeFormats().flatMap((format) => format.extensions);
  return !names.some((name) => extensions.some((each) => name.toLowerCase().endsWith(each)));
}

function seriesOptions({ onProgress, ...options }: ReadOptions): SeriesOptions {
  return {
    ...options,
    ...(onProgress && {
      onProgress: (done, total) => onProgress({ phase: "read", done, total }),
    }),
  };
}

/**
 * The DICOM series in a folder (with all below it), DICOMDIR, archive or files that can be read as volumes, from headers alone.
 * @throws InputError `FILE_NOT_FOUND`, `READ_FAILED`; `BAD_VOLUME` for a file that cannot be parsed or where there is no DICOM, `NOT_HU` where
 *   there is no CT; AbortedError.
 */
export async function listSeries(
  path: ScanPath,
  options: Pick<ReadOptions, "modality" | "threads" | "signal" | "onProgress"> = {},
): Promise<SeriesInfo[]> {
  checkArguments("listSeries", {
    path: [path, aScanPath],
    options: [options, optionsOf(readOptionsShape)],
  });
  if (typeof path === "string" && (await inputKind(path)) === "other") {
    throw new InputError(
      "BAD_VOLUME",
      `${path}: is no DICOM file, archive or folder. Give one, or a list of a series' files.`,
    );
  }
  return listCandidates(typeof path === "string" ? [path] : path, seriesOptions(options));
}
