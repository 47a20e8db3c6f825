/** Reads 3D Slicer's markups files (`.mrk.json`): lists of points (`Fiducial`) and boxes (`ROI`). */
import { basename } from "node:path";
import { z } from "zod";
import type { Point } from "../geometry/box.js";
import { badAnnotation, validate } from "./text-file.js";

const coordinate = z.number("a coordinate must be a finite number of millimetres");
export const point = z.tuple(
  [coordinate, coordinate, coordinate],
  "a point is three numbers: [x, y, z]",
);
export const coordinateSystem = z
  .enum(["LPS", "RAS"], 'coordinateSystem must be "LPS" or "RAS"')
  .default("LPS");

export function toLps(points: Point[], system: "LPS" | "RAS"): Point[] {
  return system === "LPS" ? points : points.map(([x, y, z]) => [-x, -y, z]);
}

const units = z
  .union([z.string(), z.array(z.string()).transform((code) => code[0])])
  .refine(
    (unit) => unit === "mm",
    'coordinateUnits must be "mm": convert the points to millimetres',
  )
  .default("mm");

const markup = {
  name: z.string("name must be text").trim().optional(),
  coordinateSystem,
  coordinateUnits: units,
};

const fiducial = z.object({
  ...markup,
  controlPoints: z.array(
    z.object({
      positionStatus: z
        .string()
        .refine(
          (status) => status === "defined",
          "this point has no defined position: place it in Slicer, or delete it",
        )
        .default("defined"),
      position: point,
    }),
    "a Fiducial list needs its controlPoints",
  ),
});

const roi = z.object({
  ...markup,
  center: point,
  size: z.tuple([coordinate, coordinate, coordinate], "size is three lengths: [x, y, z]"),
  orientation: z
    .array(z.number())
    .length(9, "orientation is nine numbers: a 3×3 matrix, row by row")
    .default([1, 0, 0, 0, 1, 0, 0, 0, 1]),
});

const file = z.object({
  markups: z.array(
    z.looseObject({ type: z.string("a markup needs its type") }),
    "markups must be a list",
  ),
});

/** One list of points or one box, with its place in the file. */
interface Named {
  name: string;
  at: PropertyKey[];
}

/** The file's lists of points, LPS mm. */
export function pointLists(path: string, json: unknown): (Named & { points: Point[] })[] {
  return markupsOfType(path, json, "Fiducial", fiducial, "a Fiducial list").map(
    ({ name, at, value }) => {
      const positions = value.controlPoints.map(({ position }) => position);
      return { name, at, points: toLps(positions, value.coordinateSystem) };
    },
  );
}

/** The file's boxes, each as its eight corners, LPS mm. */
export function boxCorners(path: string, json: unknown): (Named & { corners: Point[] })[] {
  return markupsOfType(path, json, "ROI", roi, "an ROI").map(({ name, at, value }) => {
    const { center, size, orientation, coordinateSystem: system } = value;
    if (size.some((length) => length <= 0)) {
      throw badAnnotation(
        path,
        `at ${z.core.toDotPath(at)}: the ROI "${name}" is empty: its size is [${size}] mm. Draw it again.`,
      );
    }
    const corners: Point[] = [];
    for (let corner = 0; corner < 8; corner++) {
      const half = size.map((length, axis) => ((corner >> axis) & 1 ? length / 2 : -length / 2));
      corners.push(
        center.map((middle, row) =>
          half.reduce(
            (sum, along, axis) => sum + (orientation[3 * row + axis] as number) * along,
            middle,
          ),
        ) as Point,
      );
    }
    return { name, at, corners: toLps(corners, system) };
  });
}

function markupsOfType<Schema extends z.ZodObject<{ name: z.ZodOptional<z.ZodString> }>>(
  path: string,
  json: unknown,
  type: string,
  schema: Schema,
  what: string,
): (Named & { value: z.output<Schema> })[] {
  const { markups } = validate(path, file, json);
  const chosen = markups.flatMap((entry, index) =>
    entry.type === type ? [{ entry, at: ["markups", index] }] : [],
  );
  if (chosen.length === 0 && markups.length > 0) {
    const types = [...new Set(markups.map((entry) => entry.type))].join(", ");
    throw badAnnotation(path, `holds only ${types} markups, where ${what} is wanted.`);
  }
  return chosen.map(({ entry, at }) => {
    const value = validate(path, schema, entry, at);
    // Slicer writes no name into a file with a single markup and shows the file's name instead.
    const own = (value as { name?: string }).name ?? "";
    const name = own || (chosen.length === 1 ? basename(path).replace(/(\.mrk)?\.json$/i, "") : "");
    if (name !== "") return { name, at, value };
    throw badAnnotation(
      path,
      `${z.core.toDotPath(at)} is ${what} without a name. Name it after its organ.`,
    );
  });
}
