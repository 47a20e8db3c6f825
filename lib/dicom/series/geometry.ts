/** Where the slices of a series lie: their order, the affine, and whether they are evenly spaced (DICOM PS3.3 C.7.6.2.1.1). */

export type Vector = readonly [number, number, number];

/** Position and plane of one slice, LPS mm. */
export interface SlicePlane {
  position: Vector;
  row: Vector;
  column: Vector;
  /** Distances between rows and between columns, mm. */
  spacing: readonly [rows: number, columns: number];
}

/** Share of a step by which a slice may lie elsewhere than even steps would have it. */
const tolerance = 0.05;

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function scaled(a: Vector, factor: number): Vector {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

/** The planes' common normal: row × column. */
export function normalOf({ row, column }: Pick<SlicePlane, "row" | "column">): Vector {
  return [
    row[1] * column[2] - row[2] * column[1],
    row[2] * column[0] - row[0] * column[2],
    row[0] * column[1] - row[1] * column[0],
  ];
}

/** How a series' slices follow each other. */
export type Spacing =
  | { kind: "even" }
  /** Steps that are all multiples of one: slices are missing. */
  | { kind: "missing"; step: number; gaps: readonly Gap[] }
  | { kind: "uneven"; changes: readonly Gap[]; step: number }
  /** A slice that does not lie on the line from the first to the last. */
  | { kind: "astray"; index: number; off: number };

/** The way from slice `after` to the next one. */
export interface Gap {
  after: number;
  distance: number;
  /** Slices that would fit. */
  missing: number;
}

/** @param positions of two slices and more, in order, none at another's place. */
export function spacingOf(positions: readonly Vector[], normal: Vector): Spacing {
  const first = positions[0] as Vector;
  const whole = minus(positions.at(-1) as Vector, first);
  const even = scaled(whole, 1 / (positions.length - 1));
  const most = tolerance * length(even);
  const off = positions.map((position, k) =>
    length(minus(minus(position, first), scaled(even, k))),
  );
  if (off.every((each) => each <= most)) return { kind: "even" };
  const steps = stepsAlong(positions, normal);
  const step = commonStep(steps);
  const [total, start] = [dot(whole, normal), dot(first, normal)];
  for (const [index, position] of positions.entries()) {
    const share = (dot(position, normal) - start) / total;
    const astray = length(minus(minus(position, first), scaled(whole, share)));
    if (astray > tolerance * step) return { kind: "astray", index, off: astray };
  }
  const multiples = steps.map((each) => Math.round(each / step));
  const isMultiple = steps.every((each, k) => {
    const multiple = multiples[k] as number;
    return multiple >= 1 && Math.abs(each - multiple * step) <= tolerance * step;
  });
  const gaps = steps.map((distance, after) => ({
    after,
    distance,
    missing: (multiples[after] as number) - 1,
  }));
  if (isMultiple && gaps.some(({ missing }) => missing > 0)) {
    return { kind: "missing", step, gaps: gaps.filter(({ missing }) => missing > 0) };
  }
  const changes = gaps.filter(
    ({ distance, after }) =>
      after > 0 && Math.abs(distance - (steps[after - 1] as number)) > tolerance * step,
  );
  return { kind: "uneven", step, changes };
}

export function length(a: Vector): number {
  return Math.hypot(...a);
}

/** Distances along the normal from each slice to the next. */
export function stepsAlong(positions: readonly Vector[], normal: Vector): number[] {
  return positions
    .slice(1)
    .map((position, k) => dot(minus(position, positions[k] as Vector), normal));
}

/** The most frequent step, to 0.01 mm; of several the smaller. The middle one of those that are alike. */
export function commonStep(steps: readonly number[]): number {
  const alike = new Map<number, number[]>();
  for (const step of steps) {
    const key = Math.round(100 * step);
    alike.set(key, [...(alike.get(key) ?? []), step]);
  }
  const groups = [...alike].sort(
    ([a, first], [b, second]) => second.length - first.length || a - b,
  );
  const most = [...(groups[0]?.[1] ?? [])].sort((a, b) => a - b);
  return most[Math.floor(most.length / 2)] as number;
}

/** Row-major 4×4, voxel (x, y, z, 1) → RAS mm. `step`: the way from a slice to the next, LPS mm. */
export function affineOf({ position, row, column, spacing }: SlicePlane, step: Vector): number[] {
  const columns = [scaled(row, spacing[1]), scaled(column, spacing[0]), step, position];
  const line = (axis: 0 | 1 | 2, sign: number) => columns.map((each) => sign * each[axis] + 0);
  return [...line(0, -1), ...line(1, -1), ...line(2, 1), 0, 0, 0, 1];
}

/** Degrees between the slices' normal and the way from slice to slice. */
export function tiltOf(normal: Vector, step: Vector): number {
  const cosine = Math.abs(dot(normal, step)) / (length(normal) * length(step));
  return (Math.acos(Math.min(1, cosine)) * 180) / Math.PI;
}
