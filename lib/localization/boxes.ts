/** From found points to boxes, and from boxes to a verdict (algorithm.md parts 5.4 and 5.5). */
import type { Conventions } from "../addon/contract/index.js";
import type { Box, Triple } from "../geometry/box.js";
import { type Grid, gridSpacing, padding } from "./grid.js";

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

/**
 * `searched`, except for walls that `placed` has outside the scan or less than 12 mm inside (between 0 and 48 mm made
 * little difference): there the scan's edge cuts the organ, and a search that sees only the scan would move the wall to
 * something else.
 */
export function keepCutWalls(
  searched: readonly Triple[],
  placed: readonly Triple[],
  grid: Grid,
): Triple[] {
  const inside = 12 / gridSpacing;
  return searched.map((point, i) => {
    const axis = i % 3;
    const wall = placed[i]?.[axis] as number;
    const last = (grid.shape[axis] as number) - padding - 1;
    if (wall >= padding + inside && wall <= last - inside) return point;
    return point.with(axis, wall) as Triple;
  });
}

/**
 * How far the points' box, over all parts, reaches into the scan, mm, along the axis where that is least; negative where
 * it lies wholly outside.
 */
export function marginInScan(points: readonly Triple[], grid: Grid): number {
  const parts = Array.from({ length: points.length / 6 }, (_, i) =>
    gridBounds(points.slice(6 * i, 6 * i + 6)),
  );
  const margins = [0, 1, 2].map((axis) => {
    const values = parts.flatMap(([low, high]) => [low[axis] as number, high[axis] as number]);
    const last = (grid.shape[axis] as number) - padding - 1;
    return Math.min(Math.max(...values) - padding, last - Math.min(...values));
  });
  return gridSpacing * Math.min(...margins);
}
