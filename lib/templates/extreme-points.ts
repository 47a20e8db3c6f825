/**
 * Six extreme points per organ: the annotation the method asks for when there is no label map (algorithm.md part 3).
 * Two kinds of files hold them.
 *
 * **3D Slicer markups** (`.mrk.json`): one `Fiducial` list of six defined points per organ, in any order; the list's
 * name is the organ's. Slicer itself writes no name into a file of one list and shows the file's name instead, and so
 * does this reader. Other markups (`ROI`, `Line`, …) in the same file are left alone.
 *
 * **Plain JSON**: the same without Slicer, and with one group of points per part for Sub-Patch Localization:
 *
 *     { "version": 1,
 *       "coordinateSystem": "LPS",                         // or "RAS"; "LPS" if left out
 *       "organs": {
 *         "liver":  { "label": 1, "points": [[x, y, z], … six] },   // "label" may be left out
 *         "spleen": { "parts": [[[x, y, z], … six], …] }            // from the lowest part up
 *       } }
 *
 * Coordinates are millimetres in the patient's frame, as DICOM and Slicer show them.
 */
import { basename } from "node:path";
import { z } from "zod";
import { badAnnotation, parseJson, readAnnotationText, validate } from "./annotation-file.js";

/** Millimetres. */
export type Point = [x: number, y: number, z: number];

/** The extreme points of one organ in one scan. */
export interface ExtremePoints {
  name: string;
  /** The organ's value in label maps, if the file says it. */
  label?: number;
  /** Six points (LPS mm, any order) per part, from the lowest part up; one entry: Whole-Patch Localization. */
  parts: Point[][];
}

const coordinate = z.number("a coordinate must be a finite number of millimetres");
const point = z.tuple([coordinate, coordinate, coordinate], "a point is three numbers: [x, y, z]");
const coordinateSystem = z
  .enum(["LPS", "RAS"], 'coordinateSystem must be "LPS" or "RAS"')
  .default("LPS");
const organName = z
  .string("the organ's name must be text")
  .trim()
  .min(1, "the organ's name is empty");

const sixPoints = z.array(point, "must be a list of six points").superRefine((points, context) => {
  if (points.length === 6) return;
  context.addIssue({
    code: "custom",
    message: `${points.length} points where six extreme points are needed: the lowest and highest along each axis`,
  });
});

const organ = z
  .strictObject({
    label: z
      .int("label must be a whole number from 1 to 65535")
      .min(1, "label must be at least 1: 0 is the background")
      .max(65535, "label must be at most 65535")
      .optional(),
    points: sixPoints.optional(),
    parts: z.array(sixPoints).min(1, "parts is empty: give six points for each part").optional(),
  })
  .refine((value) => (value.points === undefined) !== (value.parts === undefined), {
    message: 'give either "points" (six points) or "parts" (six points each)',
  });

const plainFile = z.strictObject({
  version: z.literal(1, "version must be 1, the only one there is"),
  coordinateSystem,
  organs: z.looseObject({}, "organs must be an object, by organ name"),
});

const units = z
  .union([z.string(), z.array(z.string()).transform((code) => code[0])])
  .refine(
    (unit) => unit === "mm",
    'coordinateUnits must be "mm": convert the points to millimetres',
  )
  .default("mm");

const fiducials = z.object({
  name: z.string("name must be text").trim().optional(),
  coordinateSystem,
  coordinateUnits: units,
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

const slicerFile = z.object({
  markups: z.array(
    z.looseObject({ type: z.string("a markup needs its type") }),
    "markups must be a list",
  ),
});

/** Reads six extreme points per organ from a Slicer `.mrk.json` or a plain JSON file; see this module's head. */
export async function readExtremePoints(path: string): Promise<ExtremePoints[]> {
  const json = parseJson(path, await readAnnotationText(path));
  const has = (key: string) =>
    typeof json === "object" && json !== null && Object.hasOwn(json, key);
  const organs = has("markups")
    ? fromSlicer(path, json)
    : has("organs")
      ? fromPlain(path, json)
      : [];
  if (organs.length === 0) {
    throw badAnnotation(
      path,
      'holds no extreme points. Give Slicer markups with one Fiducial list per organ, or {"version":1,"organs":{…}}.',
    );
  }
  const seen = new Set<string>();
  for (const { name } of organs) {
    if (seen.has(name)) {
      throw badAnnotation(
        path,
        `the organ "${name}" appears twice. Give every organ one name of its own.`,
      );
    }
    seen.add(name);
  }
  return organs;
}

function fromSlicer(path: string, json: unknown): ExtremePoints[] {
  const { markups } = validate(path, slicerFile, json);
  const lists = markups.flatMap((markup, index) =>
    markup.type === "Fiducial" ? [{ markup, index }] : [],
  );
  if (lists.length === 0 && markups.length > 0) {
    const types = [...new Set(markups.map(({ type }) => type))].join(", ");
    throw badAnnotation(
      path,
      `holds only ${types} markups. Extreme points are a Fiducial list (Slicer's "Point List") of six points.`,
    );
  }
  return lists.map(({ markup, index }) => {
    const at = ["markups", index];
    const list = validate(path, fiducials, markup, at);
    const name =
      list.name || (lists.length === 1 ? basename(path).replace(/(\.mrk)?\.json$/i, "") : "");
    if (name === "") {
      throw badAnnotation(
        path,
        `markups[${index}] is a Fiducial list without a name. Name it after its organ.`,
      );
    }
    const positions = list.controlPoints.map(({ position }) => position);
    const points = validate(path, sixPoints, positions, [...at, "controlPoints"]);
    return { name, parts: [toLps(points, list.coordinateSystem)] };
  });
}

function fromPlain(path: string, json: unknown): ExtremePoints[] {
  const { organs, coordinateSystem: system } = validate(path, plainFile, json);
  return Object.entries(organs).map(([key, value]) => {
    const name = validate(path, organName, key, ["organs", key]);
    const { label, points, parts } = validate(path, organ, value, ["organs", key]);
    const given = parts ?? (points === undefined ? [] : [points]);
    return {
      name,
      ...(label === undefined ? {} : { label }),
      parts: given.map((part) => toLps(part, system)),
    };
  });
}

function toLps(points: Point[], system: "LPS" | "RAS"): Point[] {
  return system === "LPS" ? points : points.map(([x, y, z]) => [-x, -y, z]);
}
