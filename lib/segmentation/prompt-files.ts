/**
 * Prompts that people and programs leave in files.
 *
 * **Boxes**: the JSON that `medlsam localize` and `medlsam segment` write, or 3D Slicer markups with one `ROI` per organ.
 *
 * **Points**: Slicer markups with one `Fiducial` list per organ, or plain JSON, coordinates in mm:
 *
 *     { "version": 1, "coordinateSystem": "LPS",
 *       "organs": { "liver": { "label": 1, "points": [[x, y, z], …], "background": [[x, y, z], …] } } }
 *
 * Points lie in the organ; those of `background`, or of a Slicer list called "liver background", do not. A point counts
 * on its own slice.
 */
import { z } from "zod";
import { aPath, checkArguments } from "../base/arguments.js";
import { InputError } from "../base/errors.js";
import { validateBoxes } from "../formats/boxes.js";
import {
  boxCorners,
  coordinateSystem,
  point,
  pointLists,
  toLps,
} from "../formats/slicer-markups.js";
import { badAnnotation, parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import { apply, invert } from "../geometry/affine.js";
import { type Box, boundsOf, type Point, type Triple } from "../geometry/box.js";
import { aVolume, type Volume } from "../volumes/volume.js";
import { meets, type OrganPrompt, organPrompts, type PromptPoint } from "./prompts.js";

type Prompts = Record<string, OrganPrompt>;

/**
 * The organs' boxes on this volume.
 * @throws InputError `BAD_ANNOTATION` for a box that is empty, upside down or outside; `GEOMETRY_MISMATCH` for boxes of
 * another scan.
 */
export async function readBoxes(path: string, volume: Volume): Promise<Prompts> {
  checkArguments("readBoxes", { path: [path, aPath], volume: [volume, aVolume] });
  const json = parseJson(path, await readAnnotationText(path));
  const prompts = isMarkups(json)
    ? fromRois(path, json, volume)
    : fromLocalization(path, json, volume);
  if (Object.keys(prompts).length > 0) return prompts;
  throw badAnnotation(
    path,
    'holds no box. Give what "medlsam localize" writes, or Slicer markups with an ROI per organ.',
  );
}

function isMarkups(json: unknown): boolean {
  return typeof json === "object" && json !== null && Object.hasOwn(json, "markups");
}

function fromLocalization(path: string, json: unknown, volume: Volume): Prompts {
  const { shape, organs } = validateBoxes(path, json);
  if (shape.some((extent, axis) => extent !== volume.shape[axis])) {
    throw new InputError(
      "GEOMETRY_MISMATCH",
      `${path}: its boxes are of a scan of [${shape}] voxels (z, y, x), but ${volume.path || "the scan"} has ` +
        `[${volume.shape}]. Give the boxes of this scan.`,
    );
  }
  for (const [name, organ] of Object.entries(organs)) {
    if (organ.present === false) continue;
    const parts = organ.parts ?? (organ.box ? [organ.box] : []);
    // Localization in reference conventions gives parts that lie outside the scan, too.
    if (!parts.some((part) => meets(part, volume.shape))) {
      for (const part of parts) requireInside(path, name, part, volume);
    }
    for (const { voxel } of organ.points ?? [])
      requireInside(path, name, { min: voxel, max: voxel }, volume);
  }
  return Object.fromEntries(
    Object.entries(organs).map(([name, { physicalBox: _, ...prompt }]) => [name, prompt]),
  );
}

function fromRois(path: string, json: unknown, volume: Volume): Prompts {
  const toVoxel = voxelOf(volume);
  const prompts: Prompts = {};
  for (const { name, corners } of boxCorners(path, json)) {
    refuseTwice(path, name, prompts);
    const { min, max } = boundsOf(corners.map(toVoxel));
    // The ROI runs along the outer faces of its voxels.
    const found: Box = {
      min: min.map((face) => Math.round(face + 0.5)) as Triple,
      max: max.map((face) => Math.round(face - 0.5)) as Triple,
    };
    if (found.min.some((low, axis) => low > (found.max[axis] as number))) {
      throw badAnnotation(
        path,
        `the ROI "${name}" is thinner than a voxel of ${volume.path || "the scan"}. Draw it larger.`,
      );
    }
    requireInside(path, name, found, volume);
    prompts[name] = { box: found };
  }
  return prompts;
}

function requireInside(path: string, name: string, box: Box, volume: Volume): void {
  if (meets(box, volume.shape)) return;
  const { min, max } = box;
  throw badAnnotation(
    path,
    `the box of "${name}", [${min}] to [${max}] (stored z, y, x), is outside ${volume.path || "the scan"}, which has ` +
      `[${volume.shape}] voxels. Is this the scan it was made for?`,
  );
}

const label = z.int("label must be a whole number from 1 to 65535").min(1).max(65535).optional();

const plainPoints = z.strictObject({
  version: z.literal(1, "version must be 1, the only one there is"),
  coordinateSystem,
  organs: z.record(
    z.string(),
    z.strictObject({
      label,
      points: z.array(point, "must be a list of points"),
      background: z.array(point, "must be a list of points").default([]),
    }),
    "organs must be an object, by organ name",
  ),
});

const background = " background";

/** The organs' points on this volume. @throws InputError `BAD_ANNOTATION`, also for a point outside the volume. */
export async function readPoints(path: string, volume: Volume): Promise<Prompts> {
  checkArguments("readPoints", { path: [path, aPath], volume: [volume, aVolume] });
  const json = parseJson(path, await readAnnotationText(path));
  const prompts: Prompts = {};
  const add = (name: string, points: Point[], foreground: boolean, label?: number) => {
    const before = prompts[name] ?? {};
    prompts[name] = {
      ...before,
      ...(label !== undefined && { label }),
      points: [...(before.points ?? []), ...toPoints(path, name, points, foreground, volume)],
    };
  };
  if (isMarkups(json)) {
    for (const { name, points } of pointLists(path, json)) {
      const outside = name.endsWith(background);
      add(outside ? name.slice(0, -background.length) : name, points, !outside);
    }
  } else {
    const { organs, coordinateSystem: system } = validate(path, plainPoints, json);
    for (const [name, { points, background: outside, label }] of Object.entries(organs)) {
      add(name, toLps(points, system), true, label);
      add(name, toLps(outside, system), false, label);
    }
  }
  for (const [name, { points }] of Object.entries(prompts)) {
    if (points?.some(({ foreground }) => foreground)) continue;
    throw badAnnotation(
      path,
      `organ "${name}" has no point that lies in it. Give at least one besides the background's.`,
    );
  }
  if (Object.keys(prompts).length > 0) return prompts;
  throw badAnnotation(
    path,
    'holds no point. Give Slicer markups with a Fiducial list per organ, or {"version":1,"organs":{…}}.',
  );
}

function toPoints(
  path: string,
  name: string,
  points: Point[],
  foreground: boolean,
  volume: Volume,
): PromptPoint[] {
  const toVoxel = voxelOf(volume);
  return points.map((lps) => {
    const voxel = toVoxel(lps).map(Math.round) as Triple;
    const inside = voxel.every(
      (value, axis) => value >= 0 && value < (volume.shape[axis] as number),
    );
    if (inside) return { voxel, foreground };
    throw badAnnotation(
      path,
      `organ "${name}": the point [${lps}] (LPS mm) lies outside ${volume.path || "the scan"}. Is the coordinate system ` +
        "(LPS or RAS) right, and is this the scan it was placed in?",
    );
  });
}

/** Boxes and points of the same organ together; of one that the boxes call absent, the points alone. */
export function mergePrompts(boxes: Prompts, points: Prompts): Prompts {
  checkArguments("mergePrompts", { boxes: [boxes, organPrompts], points: [points, organPrompts] });
  const names = new Set([...Object.keys(boxes), ...Object.keys(points)]);
  const merge = (name: string): OrganPrompt => {
    const { present = true, label, ...box } = boxes[name] ?? {};
    const shown = points[name];
    if (shown === undefined) return boxes[name] ?? {};
    return { ...(label !== undefined && { label }), ...(present && box), ...shown };
  };
  return Object.fromEntries([...names].map((name) => [name, merge(name)]));
}

function refuseTwice(path: string, name: string, prompts: Prompts): void {
  if (!Object.hasOwn(prompts, name)) return;
  throw badAnnotation(
    path,
    `the organ "${name}" appears twice. Give every organ one name of its own.`,
  );
}

/** LPS mm (x, y, z) → stored voxel (z, y, x), not rounded. */
function voxelOf(volume: Volume): (lps: Point) => Triple {
  const inverse = invert(volume.affine);
  return ([x, y, z]) => {
    const [i, j, k] = apply(inverse, [-x, -y, z]);
    return [k, j, i];
  };
}
