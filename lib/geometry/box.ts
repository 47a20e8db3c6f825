/** Boxes of stored voxels: inclusive bounds, (z, y, x). */
import type { Box } from "../localization/result.js";
import type { Triple } from "../volumes/volume.js";
import { type Affine, apply } from "./affine.js";

/** The smallest box around all. */
export function unionBox(boxes: readonly Box[]): Box {
  const over = (pick: (box: Box) => Triple, best: (...values: number[]) => number) =>
    [0, 1, 2].map((axis) => best(...boxes.map((box) => pick(box)[axis] as number))) as Triple;
  return { min: over(({ min }) => min, Math.min), max: over(({ max }) => max, Math.max) };
}

/** The axis-aligned box in LPS mm, (x, y, z), around the outer faces of the voxels in a stored box. */
export function physicalBox(box: Box, affine: Affine): Box {
  const corners: Triple[] = [];
  for (const z of [box.min[0] - 0.5, box.max[0] + 0.5]) {
    for (const y of [box.min[1] - 0.5, box.max[1] + 0.5]) {
      for (const x of [box.min[2] - 0.5, box.max[2] + 0.5]) {
        const [right, anterior, superior] = apply(affine, [x, y, z]);
        corners.push([-right, -anterior, superior]);
      }
    }
  }
  const over = (best: (...values: number[]) => number) =>
    [0, 1, 2].map((axis) => best(...corners.map((corner) => corner[axis] as number))) as Triple;
  return { min: over(Math.min), max: over(Math.max) };
}
