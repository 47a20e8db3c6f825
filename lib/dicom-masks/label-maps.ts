/** Label maps as they are given: volumes, their files, and DICOM segmentations and structure sets of a scan. */
import type { CallOptions } from "../addon/call.js";
import { errorFromCode, InputError } from "../base/errors.js";
import type { Annotation } from "../dicom/annotations/annotation.js";
import { inputKind } from "../dicom/files/inputs.js";
import { JobError, WorkerPool } from "../dicom/workers/pool.js";
import type { ReadOptions } from "../volumes/read.js";
import { labelOptions, Volume, withVolume } from "../volumes/volume.js";
import { type AnnotatedScan, annotationLabels } from "./read-labels.js";

/** Whether a label map's file is DICOM: then it holds organs of a scan, but not the scan's voxels. */
export async function isAnnotation(path: string): Promise<boolean> {
  return (await inputKind(path)) === "file";
}

/**
 * The organs of a segmentation or structure set, parsed in a thread of its own.
 * @throws InputError `BAD_VOLUME`, `BAD_ANNOTATION`; AbortedError.
 */
export async function readAnnotation(path: string, { signal }: CallOptions): Promise<Annotation> {
  const pool = new WorkerPool({ threads: 1, ...(signal && { signal }) });
  try {
    const answer = await pool.run({ kind: "annotation", file: { name: path, path } });
    if ("fault" in answer) throw errorFromCode(answer.fault, answer.message);
    return answer.annotation;
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    throw new InputError("READ_FAILED", `${path}: ${error.message}.`, { cause: error });
  } finally {
    await pool.close();
  }
}

/** A scan's geometry and images, and its name in messages. */
export interface ScanPlaces extends AnnotatedScan {
  path: string;
}

/** The part of a scan that stays once its voxels are freed. */
export function placesOf({ path, shape, affine, spacing, source }: Volume): ScanPlaces {
  return { path: path || "the scan", shape, affine, spacing, source };
}

/**
 * Runs `use` on a label map. A DICOM annotation is put onto the voxels of `image`, which is read if it is a path: organs are 1, 2, …
 * in the file's order, their names in the map's table.
 * @throws InputError `GEOMETRY_MISMATCH` for an annotation of another scan, and what reading throws.
 */
export async function withLabelMap<T>(
  labels: string | Volume,
  image: string | Volume,
  options: ReadOptions,
  use: (map: Volume) => Promise<T>,
): Promise<T> {
  const call = labelOptions(options);
  if (labels instanceof Volume || !(await isAnnotation(labels))) {
    return withVolume(labels, call, use);
  }
  const annotation = await readAnnotation(labels, call);
  const scan = await withVolume(image, options, async (volume) => placesOf(volume));
  const map = await annotationLabels(labels, annotation, scan.path, scan, call);
  try {
    return await use(map);
  } finally {
    map.close();
  }
}
