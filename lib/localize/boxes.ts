/** From found points to boxes, and from boxes to a verdict (algorithm.md parts 5.4 and 5.5). */
import type { Conventions } from "../native/contract.js";
import { type Affine, apply } from "../volumes/affine.js";
import type { Triple } from "../volumes/volume.js";
import { type Grid, padding } from "./grid.js";
import type { Box } from "./result.js";

/**
 * The box of six points on the padded grid, in stored voxels: bound b of axis a is what point (b, a) says of axis a.
 * "exact" boxes are clipped to the volume.
 */
export function storedBox(
  points: readonly Triple[],
  grid: Grid,
  shape: Triple,
  conventions: Conventions,
): Box {
  const [low, high] = gridBounds(points);
  const corners = [low, high].map((corner) => grid.toStored(corner, conventions));
  // An axis that runs the other way, or points found in the wrong order, exchange their bounds.
  const bounds = [0, 1, 2].map((axis) => {
    const values = corners.map((corner) => Math.round(corner[axis] as number));
    const last = (shape[axis] as number) - 1;
    const clip = (value: number) =>
      conventions === "exact" ? Math.min(Math.max(value, 0), last) : value;
    return [clip(Math.min(...values)), clip(Math.max(...values))];
  });
  return {
    min: bounds.map(([min]) => min) as Triple,
    max: bounds.map(([, max]) => max) as Triple,
  };
}

function gridBounds(points: readonly Triple[]): [Triple, Triple] {
  const bound = (side: number) =>
    [0, 1, 2].map((axis) => points[3 * side + axis]?.[axis]) as Triple;
  return [bound(0), bound(1)];
}

/** Whether the points' box, over all parts, lies wholly outside the scan along some axis. */
export function isOutside(points: readonly Triple[], grid: Grid): boolean {
  const parts = Array.from({ length: points.length / 6 }, (_, i) =>
    gridBounds(points.slice(6 * i, 6 * i + 6)),
  );
  return [0, 1, 2].some((axis) => {
    const values = parts.flatMap(([low, high]) => [low[axis] as number, high[axis] as number]);
    return (
      Math.max(...values) < padding || Math.min(...values) >= (grid.shape[axis] as number) - padding
    );
  });
}

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
