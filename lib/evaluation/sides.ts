/** Prediction and truth of a case, opened together: a DICOM annotation needs the voxels of the other side, or of the scan. */
import type { CallOptions } from "../addon/call.js";
import { UsageError } from "../base/errors.js";
import {
  isAnnotation,
  placesOf,
  readAnnotation,
  type ScanPlaces,
} from "../dicom-masks/label-maps.js";
import { annotatedLabels, annotationLabels } from "../dicom-masks/read-labels.js";
import type { DicomOptions } from "../volumes/read.js";
import { Volume, withVolume } from "../volumes/volume.js";
import {
  isMap,
  type LabelMap,
  type Located,
  type Masks,
  type OpenMask,
  openLabelMap,
} from "./sources.js";

/** A side's masks, and the side in messages. */
interface Side {
  masks: Located["masks"];
  role: string;
}

/** How sides are opened: the scan that annotations are put onto, and its series. */
type SideOptions = CallOptions & DicomOptions & { image?: string | Volume };

type Opened = LabelMap | Masks | undefined;

/** @throws UsageError where both sides are DICOM annotations and there is no image. */
export async function openSides(
  prediction: Side,
  truth: Side,
  options: SideOptions,
): Promise<[prediction: Opened, truth: Opened]> {
  const sides = [prediction, truth];
  const annotations = await Promise.all(
    sides.map(async ({ masks }) =>
      typeof masks === "string" && (await isAnnotation(masks)) ? masks : undefined,
    ),
  );
  const opened: Opened[] = [undefined, undefined];
  try {
    for (const [i, side] of sides.entries()) {
      if (annotations[i] === undefined) opened[i] = await openVoxels(side, options);
    }
    for (const [i, path] of annotations.entries()) {
      if (path === undefined) continue;
      const scan = await placesFor(path, opened[1 - i], options);
      opened[i] = await annotatedMasks(path, scan, options);
    }
  } catch (error) {
    for (const side of opened) if (side && isMap(side)) side.close();
    throw error;
  }
  return [opened[0], opened[1]];
}

async function openVoxels({ masks, role }: Side, options: CallOptions): Promise<Opened> {
  if (masks === undefined || typeof masks === "string" || masks instanceof Volume) {
    return masks === undefined ? undefined : openLabelMap(masks, role, options);
  }
  return masks;
}

/** Places of the scan's voxels: those of the image that is given, or else of the other side's masks. */
async function placesFor(path: string, other: Opened, options: SideOptions): Promise<ScanPlaces> {
  const { image, series, resampleSlices, modality, threads, signal } = options;
  if (image !== undefined) {
    const how = { series, resampleSlices, modality, threads, signal };
    return withVolume(image, how, async (volume) => placesOf(volume));
  }
  if (other && isMap(other)) return placesOf(other.volume);
  const [first] = other?.values() ?? [];
  if (first === undefined || typeof first === "function") {
    throw new UsageError(
      `${path} is a DICOM annotation, which has no voxels: give the scan that it was made of (image; --images PATH).`,
    );
  }
  return withVolume(first, options, async (volume) => placesOf(volume));
}

/** An annotation's organs by name, each a mask once it is asked for. */
async function annotatedMasks(
  path: string,
  scan: ScanPlaces,
  options: CallOptions,
): Promise<Masks> {
  const annotation = await readAnnotation(path, options);
  return new Map(
    [...annotatedLabels(annotation)].map(([label, name]): [string, OpenMask] => [
      name,
      (call) => annotationLabels(path, annotation, scan.path, scan, { ...call, only: label - 1 }),
    ]),
  );
}
