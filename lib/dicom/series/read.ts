/** A DICOM series as voxels in native memory, with what is known of its slices. */
import type { CallOptions } from "../../addon/call.js";
import { callNative } from "../../addon/call.js";
import type { VolumeHandle } from "../../addon/contract/index.js";
import { native } from "../../addon/loader.js";
import { InputError } from "../../base/errors.js";
import type { ScanWarning } from "../../base/warnings.js";
import type { DicomSource } from "../source.js";
import { JobError, WorkerPool } from "../workers/pool.js";
import { type Candidate, sliceName } from "./candidates.js";
import { decodeFrames, requireSamePixels, volumeOfFrames } from "./frames.js";
import { chooseSeries, describe, type SeriesInfo } from "./listing.js";
import { type Placement, placeSlices } from "./placement.js";
import { countKinds, type Modality, type Survey, survey } from "./survey.js";

/** Options of reading a series. */
export interface SeriesOptions extends CallOptions {
  series?: string;
  resampleSlices?: boolean;
  modality?: Modality;
  /** Called with shares of the whole. */
  onProgress?: (done: number, total: number) => void;
}

/** A series that was read. */
export interface SeriesVolume {
  handle: VolumeHandle;
  source: DicomSource;
  warnings: ScanWarning[];
}

/**
 * Every series in the inputs that can be read as a volume, from headers alone; those with a fault are among them.
 * @throws InputError `BAD_VOLUME` for a file that cannot be parsed, `NOT_HU` where there is no CT.
 */
export async function listCandidates(
  inputs: readonly string[],
  options: SeriesOptions,
): Promise<SeriesInfo[]> {
  return withPool(options, async (pool) => {
    const found = await survey(inputs, pool, options);
    return found.candidates.map(describe);
  });
}

/** @throws InputError `BAD_VOLUME`, `NOT_HU`, `FILE_NOT_FOUND`, `READ_FAILED`; AbortedError. */
export async function readSeries(
  inputs: readonly string[],
  options: SeriesOptions,
): Promise<SeriesVolume> {
  return withPool(options, async (pool) => {
    const { onProgress } = options;
    // Looking into files is the first tenth of the work: their pixels are the rest.
    const found = await survey(inputs, pool, {
      ...options,
      onProgress: (done, total) => onProgress?.(done, 10 * total),
    });
    const candidate = chosenOf(found, options.series);
    const placement = placeSlices(found.name, candidate, options.resampleSlices === true);
    await requireSamePixels(copiesIn(found, candidate), pool, options);
    const attributes = await attributesOf(candidate, pool);
    const progress = (done: number, total: number) => onProgress?.(total + 9 * done, 10 * total);
    const frames = await decodeFrames(candidate, pool, options, progress);
    // Their memory had better not be held beside the volume's.
    await pool.close();
    const acquired = await volumeOfFrames(candidate, frames, placement.affine, options, progress);
    return {
      handle: await resampled(acquired, placement, options),
      source: sourceOf(candidate, placement, attributes),
      warnings: warningsOf(found, candidate, placement, options.series !== undefined),
    };
  });
}

async function attributesOf(
  { slices }: Candidate,
  pool: WorkerPool,
): Promise<DicomSource["attributes"]> {
  const [{ image }] = slices as [Candidate["slices"][number]];
  try {
    return await pool.run({ kind: "attributes", file: image.file });
  } catch (cause) {
    if (!(cause instanceof JobError)) throw cause;
    throw new InputError("READ_FAILED", `${image.file.name}: it changed while it was read.`, {
      cause,
    });
  }
}

async function withPool<T>(
  options: CallOptions,
  use: (pool: WorkerPool) => Promise<T>,
): Promise<T> {
  const pool = new WorkerPool(options);
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

function chosenOf({ name, candidates, rest }: Survey, series: string | undefined): Candidate {
  if (candidates.length === 0) {
    throw new InputError(
      "BAD_VOLUME",
      `${name}: holds no volume, but ${countKinds(remainders(rest))}. Give the folder of a whole series: 2 slices at least.`,
    );
  }
  const chosen = chooseSeries(name, candidates, series);
  if (chosen.fault) throw chosen.fault;
  const faulty = chosen.slices.find(({ image }) => image.fault !== undefined);
  if (faulty) {
    const { fault = "" } = faulty.image;
    const end = fault.includes(". ") ? "." : ". Copy it again from where it came from.";
    throw new InputError("BAD_VOLUME", `${sliceName(faulty)}: ${fault}${end}`);
  }
  return chosen;
}

/** Each image of them. */
function remainders(rest: Survey["rest"]): { what: string }[] {
  return rest.flatMap(({ images, why }) => Array.from({ length: images }, () => ({ what: why })));
}

function copiesIn({ copies }: Survey, { slices }: Candidate): Survey["copies"] {
  const chosen = new Set(slices.map(({ image }) => image));
  return copies.filter(([first]) => chosen.has(first));
}

async function resampled(
  acquired: VolumeHandle,
  { resampling, affine }: Placement,
  options: CallOptions,
): Promise<VolumeHandle> {
  if (!resampling) return acquired;
  const { lower, weight } = resampling;
  try {
    return await callNative(options, (task) =>
      native.resampleSlices(acquired, { lower, weight, affine }, task),
    );
  } finally {
    native.release(acquired);
  }
}

function sourceOf(
  { slices }: Candidate,
  { tilt, sliceSpacing, resampling }: Placement,
  attributes: DicomSource["attributes"],
): DicomSource {
  const [{ image, frame }] = slices as [Candidate["slices"][number]];
  return {
    kind: "dicom",
    slices: slices.map((slice, k) => ({
      path: slice.image.file.name,
      sopClassUid: slice.image.sopClassUid,
      sopInstanceUid: slice.image.sopInstanceUid,
      ...(slice.frame.number !== undefined && { frame: slice.frame.number }),
      imagePosition: slice.frame.position,
      z: resampling?.nearest[k] ?? k,
    })),
    attributes,
    rows: image.rows,
    columns: image.columns,
    imageOrientation: frame.orientation,
    pixelSpacing: frame.spacing,
    sliceSpacing,
    tilt,
    resampled: resampling !== undefined,
    lossy: slices.some((slice) => slice.image.lossy),
  };
}

/** More than rounding makes, far less than a tilt that matters, degrees. */
const leastTilt = 0.1;

function warningsOf(
  { others, rest, candidates }: Survey,
  chosen: Candidate,
  { tilt, resampling, shape }: Placement,
  isNamed: boolean,
): ScanWarning[] {
  const warnings: ScanWarning[] = [];
  // Other series are no news to one who named this.
  const isNews = ({ seriesUid }: { seriesUid: string }) =>
    !isNamed || seriesUid === chosen.seriesUid;
  const left = [...others.filter(isNews), ...remainders(rest.filter(isNews))];
  if (left.length > 0 && (candidates.length === 1 || isNamed)) {
    warnings.push({
      code: "LEFT_OUT",
      message: `beside the series that was read there ${left.length === 1 ? "is" : "are"} ${countKinds(left)}, left out`,
    });
  }
  if (tilt > leastTilt) {
    warnings.push({
      code: "TILTED",
      message: `the gantry tilt was ${tilt.toFixed(1)} degrees: the volume is sheared so that every slice lies where it was acquired`,
    });
  }
  if (resampling) {
    warnings.push({
      code: "RESAMPLED",
      message: `${resampling.interpolated} of the ${shape[0]} slices were interpolated between acquired ones`,
    });
  }
  if (chosen.slices.some(({ image }) => image.lossy)) {
    warnings.push({ code: "LOSSY", message: "the images were compressed with loss" });
  }
  return warnings;
}
