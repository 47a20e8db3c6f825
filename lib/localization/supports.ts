/** Annotation points of one support scan on its padded grid (algorithm.md part 3). */
import { basename } from "node:path";
import { z } from "zod";
import { callNative } from "../addon/call.js";
import type { Conventions, LabelExtent, LabelGridHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import { withLabelMap } from "../dicom-masks/label-maps.js";
import type { Triple } from "../geometry/box.js";
import type { ReadOptions } from "../volumes/read.js";
import { type Volume, volumeSource } from "../volumes/volume.js";
import { type ExtremePoints, extremePoints } from "./extreme-points.js";

/**
 * An annotated scan: an image with a label map on the same voxels, or with six extreme points per organ or part. The label map of a
 * DICOM series may be a DICOM segmentation or structure set.
 */
export type Support =
  | { image: string | Volume; labels: string | Volume }
  | { image: string | Volume; extremePoints: readonly ExtremePoints[] };

/** @internal A support as public functions take it. */
export const aSupport = z.union(
  [
    z.object({ image: volumeSource, labels: volumeSource }),
    z.object({ image: volumeSource, extremePoints: z.array(extremePoints) }),
  ],
  "must be { image, labels }, paths or volumes, or { image, extremePoints } (readExtremePoints gives them)",
);

/** An image's name in a template file. */
export function nameOfImage(image: string | Volume): string {
  return basename(typeof image === "string" ? image : image.path);
}

/** A support's label map on the grid, and where its labels are. */
export interface LabelledSupport {
  grid: LabelGridHandle;
  extents: Map<number, LabelExtent>;
  /** Voxels along (z, y, x) and affine of the stored label map. */
  shape: Triple;
  affine: readonly number[];
  path: string;
  labelXml?: string;
}

export async function readLabels(
  { labels, image }: Extract<Support, { labels: unknown }>,
  conventions: Conventions,
  options: ReadOptions,
): Promise<LabelledSupport> {
  return withLabelMap(labels, image, options, async (volume) => {
    const grid = await callNative(options, (task) =>
      native.makeLabelGrid({ volume: volume.handle, conventions }, task),
    ).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(error.code, `${volume.path || "The label map"}: ${error.message}`, {
        cause: error,
      });
    });
    const extents = await callNative(options, (task) => native.labelExtents(grid, task));
    return {
      grid,
      extents: new Map(extents.map((extent) => [extent.label, extent])),
      shape: volume.shape,
      affine: volume.affine,
      path: volume.path,
      ...(volume.labelXml !== undefined && { labelXml: volume.labelXml }),
    };
  });
}

/** How many parts an organ is cut into; none leaves it whole. `extents`: the organ in every support that shows it. */
export function cutsOf(extents: readonly LabelExtent[], sliceInterval: number): number | undefined {
  const length = Math.min(...extents.map(({ min, max }) => max[0] - min[0]));
  return length <= sliceInterval ? undefined : Math.min(Math.floor(length / sliceInterval), 6);
}
