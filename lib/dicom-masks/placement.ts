/** Where the images of a series lie among the voxels of masks, and in the patient. */
import type { PlaneFrames, PlaneStackOptions } from "../addon/contract/index.js";
import { InputError, UsageError } from "../base/errors.js";
import type { DicomSource } from "../dicom/source.js";
import type { Triple } from "../geometry/box.js";
import { type Geometry, requireSameGeometry } from "../volumes/geometry.js";

/** A scan that was read from DICOM. */
export interface DicomScan extends Geometry {
  readonly source: DicomSource;
}

/** A series, and the way from its images to the masks' voxels. */
export interface Placement {
  source: DicomSource;
  stack: PlaneStackOptions;
}

/** Masks of the scan itself. */
export function ownPlacement(source: DicomSource): Placement {
  const slices = Int32Array.from(source.slices, ({ z }) => z);
  return { source, stack: { axes: [0, 1, 2], reversed: [false, false, false], slices } };
}

/**
 * Masks of a volume that has the voxels of a series, its axes swapped or reversed: a NIfTI that was made of it.
 * @param name of the volume in messages; `of`: that of the series.
 * @throws InputError `GEOMETRY_MISMATCH`
 */
export function placementLike(
  name: string,
  volume: Geometry,
  of: string,
  { source, shape, affine }: DicomScan,
): Placement {
  const axes = nearestAxes(volume.affine, affine);
  if (new Set(axes).size < 3) {
    throw new InputError(
      "GEOMETRY_MISMATCH",
      `${name}: its axes lie across those of ${of}. Give the series that it was made of.`,
    );
  }
  const reversed = axes.map(
    (axis, i) => cosine(column(volume.affine, axis), column(affine, i)) < 0,
  );
  requireSameGeometry(name, volume, of, rearranged({ shape, affine }, axes, reversed));
  const slices = Int32Array.from(source.slices, ({ z }) => z);
  return { source, stack: { axes, reversed, slices } };
}

/** The affine's column of a (z, y, x) axis: the way to the next voxel. */
function column(affine: readonly number[], axis: number): Triple {
  return [0, 1, 2].map((row) => affine[4 * row + 2 - axis] as number) as unknown as Triple;
}

function cosine(a: Triple, b: Triple): number {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  return dot / (Math.hypot(...a) * Math.hypot(...b));
}

/** For each axis of the series, the volume's axis that is nearest to it. */
function nearestAxes(volume: readonly number[], series: readonly number[]): number[] {
  return [0, 1, 2].map((axis) => {
    const along = [0, 1, 2].map((other) =>
      Math.abs(cosine(column(volume, other), column(series, axis))),
    );
    return along.indexOf(Math.max(...along));
  });
}

/** The series' geometry as if it were stored with these axes. */
function rearranged(
  { shape, affine }: Pick<Geometry, "shape" | "affine">,
  axes: readonly number[],
  reversed: readonly boolean[],
): Geometry {
  const made = [...affine];
  const extents = [0, 0, 0];
  const spacing = [0, 0, 0];
  for (const [axis, target] of axes.entries()) {
    const step = column(affine, axis);
    const sign = reversed[axis] ? -1 : 1;
    const extent = shape[axis] as number;
    extents[target] = extent;
    spacing[target] = Math.hypot(...step);
    for (const [row, part] of step.entries()) {
      made[4 * row + 2 - target] = sign * part;
      if (reversed[axis]) made[4 * row + 3] = (made[4 * row + 3] as number) + (extent - 1) * part;
    }
  }
  return { shape: extents as Triple, spacing: spacing as Triple, affine: made };
}

/** Numbers of a DS with several values. */
export function decimals(text: string): number[] {
  return text.split("\\").map(Number);
}

/** Places of the images' pixels, from the strings of the images themselves. */
export function planeFrames(source: DicomSource): PlaneFrames {
  const orientation = decimals(source.imageOrientation);
  const [betweenRows = 1, betweenColumns = 1] = decimals(source.pixelSpacing);
  return {
    origins: Float64Array.from(
      source.slices.flatMap(({ imagePosition }) => decimals(imagePosition)),
    ),
    column: Float64Array.from(orientation.slice(0, 3), (cosine) => cosine * betweenColumns),
    row: Float64Array.from(orientation.slice(3), (cosine) => cosine * betweenRows),
  };
}

/** @throws UsageError for a scan that was not read from DICOM. */
export function requireSource(scan: {
  path: string;
  source?: DicomSource | undefined;
}): DicomSource {
  if (scan.source !== undefined) return scan.source;
  throw new UsageError(
    `${scan.path || "The volume"}: it was not read from DICOM, so a DICOM file of its masks has no images to refer to. ` +
      "Give the series that it was made of as the reference (--reference-dicom FOLDER).",
  );
}
