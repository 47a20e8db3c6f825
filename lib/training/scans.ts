/** Scans to train on, prepared once and kept in a folder. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { callNative, type Progress } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { InputError, OutputError } from "../base/errors.js";
import { withLabelMap } from "../dicom-masks/label-maps.js";
import { stemOf } from "../formats/scan-names.js";
import { requireSameGeometry } from "../volumes/geometry.js";
import type { ReadOptions } from "../volumes/read.js";
import { withVolume } from "../volumes/volume.js";

export interface PrepareOptions extends ReadOptions {
  /** Intensities are in 0..1 already. */
  normalized?: boolean;
  /** Rank of this process among those that prepare the same scans: each begins elsewhere. */
  peer?: { rank: number; count: number };
  onProgress?: (progress: Progress) => void;
}

/** A scan and its label map: paths of files of any format that is read; that of a DICOM series may be a DICOM annotation. */
export interface AnnotatedScan {
  image: string;
  labels: string;
}

/**
 * The grids of the scans (algorithm.md part 1, exact) as files of `folder`; those that are there already are kept. A
 * file's name holds the scan's name, size and time, so a changed scan is prepared anew.
 */
export async function prepareScans(
  scans: readonly string[],
  folder: string,
  options: PrepareOptions = {},
): Promise<string[]> {
  const about = `${options.normalized ?? false}${aboutReading(options)}`;
  const jobs = scans.map((scan) => ({ sources: [scan], about }));
  return prepareAll(jobs, folder, options, ([scan = ""], file) => prepareGrid(scan, file, options));
}

/** The slices that show an organ (algorithm.md 6.1, exact) with their labels, as files of `folder`, kept as grids are. */
export async function prepareAnnotatedScans(
  scans: readonly AnnotatedScan[],
  folder: string,
  options: PrepareOptions = {},
): Promise<string[]> {
  const about = `annotated${aboutReading(options)}`;
  const jobs = scans.map(({ image, labels }) => ({ sources: [image, labels], about }));
  return prepareAll(jobs, folder, options, ([image = "", labels = ""], file) =>
    prepareSlices({ image, labels }, file, options),
  );
}

function aboutReading({ nan, series, resampleSlices, modality }: PrepareOptions): string {
  const dicom = [series, resampleSlices && "resampled", modality].filter((each) => each);
  return [nan === undefined ? "" : ` nan ${nan}`, ...dicom.map((each) => ` ${each}`)].join("");
}

interface Job {
  /** Paths, the scan's first. */
  sources: string[];
  /** Everything else that the prepared file depends on. */
  about: string;
}

async function prepareAll(
  jobs: readonly Job[],
  folder: string,
  { onProgress, peer = { rank: 0, count: 1 } }: PrepareOptions,
  prepare: (sources: string[], file: string) => Promise<void>,
): Promise<string[]> {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new OutputError("WRITE_FAILED", `${folder}: ${(cause as Error).message}.`, { cause });
  }
  // Before the hours that thousands of scans take.
  const missing = jobs.flatMap(({ sources }) => sources).find((path) => !existsSync(path));
  if (missing !== undefined) {
    throw new InputError("FILE_NOT_FOUND", `${missing}: no such file. Check the path.`);
  }
  const all = jobs.map((job) => ({ ...job, file: join(folder, preparedName(job)) }));
  const first = Math.floor((peer.rank * all.length) / peer.count);
  for (const [index, { sources, file }] of [
    ...all.slice(first),
    ...all.slice(0, first),
  ].entries()) {
    onProgress?.({ phase: "prepare", done: index, total: jobs.length });
    if (!existsSync(file)) await prepare(sources, file);
  }
  onProgress?.({ phase: "prepare", done: jobs.length, total: jobs.length });
  return all.map(({ file }) => file);
}

/** The file itself, or those of a DICOM series in a folder. */
function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
  return names.map((name) => join(path, name));
}

function preparedName({ sources, about }: Job): string {
  const key = createHash("sha256");
  for (const path of sources.flatMap(filesOf)) {
    const { size, mtimeMs } = statSync(path);
    key.update(`${path}\n${size}\n${mtimeMs}\n`);
  }
  key.update(about);
  return `${stemOf(sources[0] ?? "")}-${key.digest("hex").slice(0, 16)}.safetensors`;
}

async function prepareGrid(scan: string, file: string, options: PrepareOptions): Promise<void> {
  const { normalized = false } = options;
  await withVolume(scan, options, async (volume) => {
    const grid = await callNative(options, (task) =>
      native.makeGrid(
        { volume: volume.handle, conventions: "exact", normalized, device: "cpu" },
        task,
      ),
    );
    try {
      await callNative(options, (task) => native.writeTrainingScan(grid, file, task));
    } finally {
      native.release(grid);
    }
  }).catch(rethrowNamed(scan));
}

async function prepareSlices(
  { image, labels }: AnnotatedScan,
  file: string,
  options: PrepareOptions,
): Promise<void> {
  await withVolume(image, options, (scan) =>
    withLabelMap(labels, scan, options, async (map) => {
      requireSameGeometry(labels, map, image, scan);
      await callNative(options, (task) =>
        native.writeAnnotatedScan(scan.handle, map.handle, file, task),
      );
    }).catch(rethrowNamed(labels)),
  ).catch(rethrowNamed(image));
}

/** Names the scan in the message: one of thousands may be at fault. */
function rethrowNamed(path: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof InputError) || error.message.includes(path)) throw error;
    throw new InputError(error.code, `${path}: ${error.message}`, { cause: error });
  };
}
