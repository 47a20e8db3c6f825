/** Whether two volumes have the same voxels in the same places. */
import { InputError } from "../base/errors.js";
import type { Triple } from "../geometry/box.js";

/** Geometry of a {@link Volume}, which may be closed. */
export interface Geometry {
  /** Voxels along (z, y, x). */
  shape: Triple;
  /** Edge lengths of a voxel, mm, (z, y, x). */
  spacing: Triple;
  /** Row-major 4×4: voxel (x, y, z, 1) → RAS mm. */
  affine: readonly number[];
}

/** A twentieth of a voxel: more than the rounding of different writers, far less than a relevant shift. */
export function placeTolerance({ spacing }: Pick<Geometry, "spacing">): number {
  return 0.05 * Math.min(...spacing);
}

/**
 * @param name the name of `volume` in the message; `of`: that of `other`.
 * @throws InputError `GEOMETRY_MISMATCH` unless both have the same shape and their voxels the same places within a
 *   twentieth of a voxel.
 */
export function requireSameGeometry(
  name: string,
  volume: Pick<Geometry, "shape" | "affine">,
  of: string,
  other: Geometry,
): void {
  requireSameShape(name, volume.shape, of, other.shape);
  const tolerance = placeTolerance(other);
  const far = volume.affine.findIndex((value, i) => {
    const extent = i % 4 === 3 ? 1 : (other.shape[2 - (i % 4)] as number);
    return Math.abs(value - (other.affine[i] as number)) * extent > tolerance;
  });
  if (far >= 0) {
    throw new InputError(
      "GEOMETRY_MISMATCH",
      `${name}: its affine differs from that of ${of}: [${volume.affine[far]}] against [${other.affine[far]}] in row ` +
        `${Math.floor(far / 4)}, column ${far % 4}. Resample one onto the other, or correct its header.`,
    );
  }
}

/** @throws InputError `GEOMETRY_MISMATCH` */
export function requireSameShape(name: string, shape: Triple, of: string, other: Triple): void {
  if (shape.every((extent, axis) => extent === other[axis])) return;
  throw new InputError(
    "GEOMETRY_MISMATCH",
    `${name}: has shape [${shape}] (z, y, x), but ${of} has [${other}]. Resample one onto the other.`,
  );
}
