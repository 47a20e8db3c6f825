/** The JSON of boxes, which `medlsam localize` and `medlsam segment` write. */
import { z } from "zod";
import type { Affine } from "../geometry/affine.js";
import { type Box, type PhysicalBox, physicalBox, type Triple, unionBox } from "../geometry/box.js";
import { parseJson, readAnnotationText, validate } from "./text-file.js";

/** Its name in the folder of a case. */
export const boxesFile = "boxes.json";

/** Where one organ is. */
export interface OrganBoxes {
  /** The organ's value in a label map, from 1 to 65535. */
  label?: number;
  /** false: the organ is not in the scan; true by default. */
  present?: boolean;
  /** Box around the whole organ. */
  box?: Box;
  /** Boxes around parts of it, from the lowest up. */
  parts?: readonly Box[];
  /** Box around the outer faces of the box's voxels. */
  physicalBox?: PhysicalBox;
  /** Voxels in the organ or, with `foreground` false, outside it. */
  points?: readonly { voxel: Triple; foreground?: boolean }[];
}

/** Where the organs of one scan are. */
export interface Boxes {
  /** Shape of the scan, (z, y, x). */
  shape: Triple;
  /** Organs by name. */
  organs: Readonly<Record<string, OrganBoxes>>;
}

const three = <Item extends z.ZodType>(item: Item, message: string) =>
  z.tuple([item, item, item], message);
// In reference conventions boxes may extend beyond the scan.
const index = z.int("a bound is a whole number of voxels");
const voxel = three(index, "bounds are three indices: [z, y, x]");
const millimetres = three(
  z.number("a coordinate must be a finite number of millimetres"),
  "a corner is three numbers: [x, y, z]",
);
const box = z
  .object({ min: voxel, max: voxel }, "must be a box: {min, max}")
  .refine(({ min, max }) => min.every((low, axis) => low <= (max[axis] as number)), {
    message: "the box is upside down: its min is above its max",
  });

const organBoxes = z
  .object(
    {
      label: z
        .int("label must be a whole number from 1 to 65535")
        .min(1, "label must be a whole number from 1 to 65535")
        .max(65535, "label must be a whole number from 1 to 65535")
        .optional(),
      present: z.boolean("present must be true or false").optional(),
      box: box.optional(),
      parts: z.array(box, "parts must be a list of boxes").min(1, "parts is empty").optional(),
      physicalBox: z.object({ min: millimetres, max: millimetres }).optional(),
      points: z
        .array(z.object({ voxel, foreground: z.boolean().optional() }), "points must be a list")
        .min(1, "points is empty")
        .optional(),
    },
    "must be an object of what is known of the organ",
  )
  .refine((organ) => organ.box || organ.parts || organ.points || organ.present === false, {
    message: "the organ has no box",
  });

/** @internal What a boxes file holds, and what `localize` finds. */
export const boxesSchema = z.object(
  {
    version: z.literal(1, "version must be 1, the only one there is"),
    shape: three(z.int().min(1), "shape is three numbers of voxels: [z, y, x]"),
    organs: z.record(z.string(), organBoxes, "organs must be an object, by organ name"),
  },
  "is not what `medlsam localize` or `medlsam segment` writes",
) satisfies z.ZodType<Boxes>;

/** @throws InputError `BAD_ANNOTATION` naming the place in the JSON, `FILE_NOT_FOUND`, `READ_FAILED`. */
export async function readBoxesFile(path: string): Promise<Boxes> {
  return validateBoxes(path, parseJson(path, await readAnnotationText(path)));
}

/** Boxes from the content of the file at `path`. @throws InputError `BAD_ANNOTATION` */
export function validateBoxes(path: string, json: unknown): Boxes {
  return validate(path, boxesSchema, json);
}

/** Content of a boxes file for organs on a scan that were given, not localized. */
export function describeBoxes(
  organs: Readonly<Record<string, OrganBoxes>>,
  { path, shape, affine }: { path: string; shape: Triple; affine: Affine },
) {
  const describe = ({ label, parts, box, points, present = true }: OrganBoxes) => {
    const boxes = parts ?? (box ? [box] : []);
    const whole = boxes.length > 0 ? unionBox(boxes) : undefined;
    return {
      label,
      present: present && (whole !== undefined || points !== undefined),
      score: null,
      ...(whole && { box: whole, parts: boxes, physicalBox: physicalBox(whole, affine) }),
      ...(points && { points }),
    };
  };
  const described = Object.entries(organs).map(([name, organ]) => [name, describe(organ)]);
  return {
    version: 1 as const,
    image: path,
    shape,
    organs: Object.fromEntries(described) as Record<string, ReturnType<typeof describe>>,
  };
}
