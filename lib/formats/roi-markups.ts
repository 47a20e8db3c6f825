/** Boxes as 3D Slicer markups, to be dropped onto the scan they belong to. */
import type { Box, Localization } from "../localization/result.js";

type Vector = [number, number, number];

const schema =
  "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#";

/** One ROI of a Slicer markups file (schema 1.0.3). */
export interface RoiMarkup {
  type: "ROI";
  name: string;
  coordinateSystem: "LPS";
  coordinateUnits: "mm";
  locked: boolean;
  fixedNumberOfControlPoints: boolean;
  labelFormat: string;
  roiType: "Box";
  center: Vector;
  /** Row-major 3×3 whose columns are the box's axes. */
  orientation: number[];
  size: Vector;
  insideOut: boolean;
  controlPoints: object[];
}

export interface RoiMarkups {
  "@schema": string;
  markups: RoiMarkup[];
}

/**
 * Slicer markups (the content of a `.mrk.json` file) with one ROI per organ that is present. Each ROI runs along the
 * outer faces of its box's voxels.
 *
 * @param affine 16 numbers, row-major, voxel (x, y, z, 1) → RAS mm: the affine of the volume that was localized. If it
 *   shears, the ROI, which has right angles, is the smallest along the voxel x axis that holds the box.
 */
export function roiMarkups(localization: Localization, affine: readonly number[]): RoiMarkups {
  const axes = rightAngledAxes(affine);
  const present = Object.entries(localization.organs).filter(([, organ]) => organ.present);
  return {
    "@schema": schema,
    markups: present.map(([name, organ]) => roi(name, organ.box, affine, axes, localization.note)),
  };
}

function roi(
  name: string,
  box: Box,
  affine: readonly number[],
  axes: [Vector, Vector, Vector],
  note?: string,
): RoiMarkup {
  const corners = cornersLps(box, affine);
  const spans = axes.map((axis) => {
    const along = corners.map((corner) => dot(corner, axis));
    return { low: Math.min(...along), high: Math.max(...along) };
  });
  const center = [0, 1, 2].map((row) =>
    spans.reduce((sum, { low, high }, k) => sum + ((low + high) / 2) * (axes[k]?.[row] ?? 0), 0),
  ) as Vector;
  const orientation = [0, 1, 2].flatMap((row) => axes.map((axis) => axis[row] ?? 0));
  return {
    type: "ROI",
    name,
    coordinateSystem: "LPS",
    coordinateUnits: "mm",
    // A box that was measured, not drawn: a stray drag must not move it.
    locked: true,
    fixedNumberOfControlPoints: true,
    labelFormat: "%N-%d",
    roiType: "Box",
    center,
    orientation,
    size: spans.map(({ low, high }) => high - low) as Vector,
    insideOut: false,
    controlPoints: [
      {
        id: "1",
        label: name,
        ...(note !== undefined && { description: note }),
        position: center,
        orientation,
        selected: true,
        locked: true,
        positionStatus: "defined",
      },
    ],
  };
}

/** The eight outer corners (min − ½ … max + ½) in LPS mm. */
function cornersLps({ min, max }: Box, affine: readonly number[]): Vector[] {
  const corners: Vector[] = [];
  for (const z of [min[0] - 0.5, max[0] + 0.5]) {
    for (const y of [min[1] - 0.5, max[1] + 0.5]) {
      for (const x of [min[2] - 0.5, max[2] + 0.5]) {
        const ras = (row: number) => {
          const [ax = 0, ay = 0, az = 0, offset = 0] = affine.slice(4 * row, 4 * row + 4);
          return ax * x + ay * y + az * z + offset;
        };
        corners.push([-ras(0), -ras(1), ras(2)]);
      }
    }
  }
  return corners;
}

/**
 * Unit vectors (LPS) along the voxel axes, made orthogonal from x to z where the affine shears. The last follows from
 * the others so that the three always form a rotation: Slicer takes no reflection, and a box looks the same from both
 * sides.
 */
function rightAngledAxes(affine: readonly number[]): [Vector, Vector, Vector] {
  const column = (k: number): Vector => [
    -(affine[k] ?? 0),
    -(affine[4 + k] ?? 0),
    affine[8 + k] ?? 0,
  ];
  const x = unit(column(0));
  const y = column(1);
  const along = dot(x, y);
  const v = unit([y[0] - along * x[0], y[1] - along * x[1], y[2] - along * x[2]]);
  return [x, v, [x[1] * v[2] - x[2] * v[1], x[2] * v[0] - x[0] * v[2], x[0] * v[1] - x[1] * v[0]]];
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function unit(v: Vector): Vector {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}
