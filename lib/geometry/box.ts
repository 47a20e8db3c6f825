/** Points and boxes, in stored voxels and in space. */
import { z } from "zod";
import { type Affine, apply } from "./affine.js";

/** Three numbers along the stored axes, z slowest. */
export type Triple = [z: number, y: number, x: number];

/** A point in the patient: LPS mm, as in DICOM and Slicer. */
export type Point = [x: number, y: number, z: number];

/** Exists in types only: it keeps a box of voxels from being used as one of millimeters. */
declare const unit: unique symbol;

/** A box of stored voxels: inclusive bounds, (z, y, x). */
export interface Box {
  min: Triple;
  max: Triple;
  readonly [unit]?: "voxel";
}

/** A box in the patient: bounds in LPS mm, (x, y, z). */
export interface PhysicalBox {
  min: Point;
  max: Point;
  readonly [unit]?: "mm";
}

/** @internal An index of a voxel as public functions take it. */
export const aVoxel = z.tuple(
  [z.number(), z.number(), z.number()],
  "must be three indices, [z, y, x]",
);

/** @internal A box of voxels as public functions take it. */
export const aBox = z.object({ min: aVoxel, max: aVoxel }, "must be a box, { min, max }");

/** Minimum and maximum of each coordinate. At least one point is needed. */
export function boundsOf<Vector extends Triple | Point>(
  points: readonly Vector[],
): { min: Vector; max: Vector } {
  const over = (best: (...values: number[]) => number) =>
    ([0, 1, 2] as const).map((axis) => best(...points.map((each) => each[axis]))) as Vector;
  return { min: over(Math.min), max: over(Math.max) };
}

/** The smallest box around all boxes. */
export function unionBox(boxes: readonly Box[]): Box {
  return boundsOf(boxes.flatMap(({ min, max }) => [min, max]));
}

/** The eight corners of a box's outer faces, half a voxel beyond its bounds, in LPS mm. */
export function physicalCorners({ min, max }: Box, affine: Affine): Point[] {
  const faces = ([0, 1, 2] as const).map((axis) => [min[axis] - 0.5, max[axis] + 0.5]);
  const [zs = [], ys = [], xs = []] = faces;
  return zs.flatMap((z) =>
    ys.flatMap((y) =>
      xs.map((x): Point => {
        const [right, anterior, superior] = apply(affine, [x, y, z]);
        return [-right, -anterior, superior];
      }),
    ),
  );
}

/** The axis-aligned box around the outer faces of the voxels in a stored box. */
export function physicalBox(box: Box, affine: Affine): PhysicalBox {
  return boundsOf(physicalCorners(box, affine));
}
