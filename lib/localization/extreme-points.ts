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
 * Coordinates are millimeters in the patient's frame, as DICOM and Slicer show them.
 */
import { z } from "zod";
import { aPath, checkArguments } from "../base/arguments.js";
import { coordinateSystem, point, pointLists, toLps } from "../formats/slicer-markups.js";
import { badAnnotation, parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import type { Point } from "../geometry/box.js";

/** The extreme points of one organ in one scan. */
export interface ExtremePoints {
  name: string;
  /** The organ's value in label maps, if the file says it. */
  label?: number;
  /** Six points (LPS mm, any order) per part, from the lowest part up; one entry: Whole-Patch Localization. */
  parts: Point[][];
}

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

/** @internal One organ's extreme points as public functions take them. */
export const extremePoints = z.object({
  name: organName,
  label: z.int().optional(),
  parts: z.array(sixPoints).min(1, "is empty: give six points for each part"),
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

/** Reads six extreme points per organ from a Slicer `.mrk.json` or a plain JSON file; see this module's head. */
export async function readExtremePoints(path: string): Promise<ExtremePoints[]> {
  checkArguments("readExtremePoints", { path: [path, aPath] });
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
  return pointLists(path, json).map(({ name, at, points }) => ({
    name,
    parts: [validate(path, sixPoints, points, [...at, "controlPoints"])],
  }));
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
