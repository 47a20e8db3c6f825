/** Boxes as 3D Slicer markups, to be opened together with their scan. */

import { z } from "zod";
import { checkArguments } from "../base/arguments.js";
import type { Affine } from "../geometry/affine.js";
import { type Box, type Point, physicalCorners } from "../geometry/box.js";
import { type Boxes, boxesSchema } from "./boxes.js";

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
  center: Point;
  /** Row-major 3×3 whose columns are the box's axes. */
  orientation: number[];
  size: Point;
  insideOut: boolean;
  controlPoints: object[];
}

export interface RoiMarkups {
  "@schema": string;
  markups: RoiMarkup[];
}

const someBoxes = boxesSchema.pick({ organs: true }).extend({ note: z.string().optional() });
const located = z.object(
  { affine: z.array(z.number()).length(16) },
  "must be the volume that the boxes are of",
);

/**
 * Slicer markups (the content of a `.mrk.json` file) with one ROI per organ that is present. Each ROI runs along the
 * outer faces of its box's voxels.
 *
 * @param boxes the result of `localize`, or boxes of your own.
 * @param scan the volume that they belong to, open or closed. If its affine shears, the ROI, which has right angles, is
 *   the smallest along the voxel x axis that contains the box.
 */
export function roiMarkups(
  boxes: { note?: string; organs: Boxes["organs"] },
  scan: { affine: Affine },
): RoiMarkups {
  checkArguments("roiMarkups", { boxes: [boxes, someBoxes], scan: [scan, located] });
  const { affine } = scan;
  const axes = rightAngledAxes(affine);
  const markups = Object.entries(boxes.organs).flatMap(([name, { present = true, box }]) =>
    present && box ? [roi(name, box, affine, axes, boxes.note)] : [],
  );
  return { "@schema": schema, markups };
}

function roi(
  name: string,
  box: Box,
  affine: Affine,
  axes: [Point, Point, Point],
  note?: string,
): RoiMarkup {
  const corners = physicalCorners(box, affine);
  const spans = axes.map((axis) => {
    const along = corners.map((corner) => dot(corner, axis));
    return { low: Math.min(...along), high: Math.max(...along) };
  });
  const center = [0, 1, 2].map((row) =>
    spans.reduce((sum, { low, high }, k) => sum + ((low + high) / 2) * (axes[k]?.[row] ?? 0), 0),
  ) as Point;
  const orientation = [0, 1, 2].flatMap((row) => axes.map((axis) => axis[row] ?? 0));
  return {
    type: "ROI",
    name,
    coordinateSystem: "LPS",
    coordinateUnits: "mm",
    // The box is a measurement: a stray drag must not move it.
    locked: true,
    fixedNumberOfControlPoints: true,
    labelFormat: "%N-%d",
    roiType: "Box",
    center,
    orientation,
    size: spans.map(({ low, high }) => high - low) as Point,
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

/**
 * Unit vectors (LPS) along the voxel axes, orthogonalized from x to z if the affine shears. The third is computed from
 * the others, so that the three always form a rotation: Slicer does not accept a reflection, and a box looks the same
 * from both sides.
 */
function rightAngledAxes(affine: Affine): [Point, Point, Point] {
  const column = (k: number): Point => [
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

function dot(a: Point, b: Point): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function unit(v: Point): Point {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}
