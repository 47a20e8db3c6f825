/** Annotation points of one support scan on its padded grid (algorithm.md part 3). */

import { type CallOptions, callNative } from "../addon/call.js";
import type { Conventions, LabelExtent, LabelGridHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import type { Triple } from "../geometry/box.js";
import { type Volume, withVolume } from "../volumes/volume.js";
import type { ExtremePoints } from "./extreme-points.js";
import { type Grid, padding, roundHalfEven } from "./grid.js";

/** An annotated scan: an image with a label map on the same voxels, or with six extreme points per organ or part. */
export type Support =
  | { image: string | Volume; labels: string | Volume }
  | { image: string | Volume; extremePoints: readonly ExtremePoints[] };

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
  source: string | Volume,
  conventions: Conventions,
  options: CallOptions,
): Promise<LabelledSupport> {
  return withVolume(source, options, async (volume) => {
    const grid = await callNative(options, (task) =>
      native.makeLabelGrid(volume.handle, conventions, task),
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

/** How many parts an organ is cut into; 0 leaves it whole. `extents`: the organ in every support that shows it. */
export function partCount(extents: readonly LabelExtent[], sliceInterval: number): number {
  const length = Math.min(...extents.map(({ min, max }) => max[0] - min[0]));
  return length <= sliceInterval ? 0 : Math.min(Math.floor(length / sliceInterval), 6);
}

/** Six points per part, each part's in the order min z, min y, min x, max z, max y, max x; padded grid. */
export function physicalPoints(
  organ: ExtremePoints,
  grid: Grid,
  image: Volume,
  conventions: Conventions,
): Triple[] {
  return organ.parts.flatMap((part, index) => {
    const points = part.map((lps) => {
      const point = grid.fromPhysical(lps, image.affine, conventions).map(roundHalfEven) as Triple;
      const outside = point.some(
        (value, axis) => value < padding - 1 || value > (grid.shape[axis] as number) - padding,
      );
      if (outside) {
        throw new InputError(
          "BAD_ANNOTATION",
          `Organ "${organ.name}", part ${index}: the point [${lps}] (LPS mm) lies outside ${image.path || "the image"}. ` +
            "Is the coordinate system (LPS or RAS) right, and is this the scan it was placed in?",
        );
      }
      return point;
    });
    const along = (axis: number, better: (a: number, b: number) => boolean) =>
      points.reduce((best, point) =>
        better(point[axis] as number, best[axis] as number) ? point : best,
      );
    const axes = [0, 1, 2];
    return [
      ...axes.map((a) => along(a, (x, y) => x < y)),
      ...axes.map((a) => along(a, (x, y) => x > y)),
    ];
  });
}
