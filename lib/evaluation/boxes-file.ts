/** Reading the boxes that `medlsam localize` and `medlsam segment` write. */
import { z } from "zod";
import { parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import type { Box, PhysicalBox, Triple } from "../geometry/box.js";

/** The part of a `Localization` that an evaluation needs. */
export interface PredictedBoxes {
  shape: Triple;
  organs: Readonly<Record<string, PredictedBox>>;
}

export interface PredictedBox {
  label: number;
  present: boolean;
  /** None for an organ that was prompted by points. */
  box?: Box;
  physicalBox?: PhysicalBox;
}

// In reference conventions boxes may reach out of the volume.
const index = z.int("an index is a whole number");
const three = <Item extends z.ZodType>(item: Item) =>
  z.tuple([item, item, item], "must be three numbers, (z, y, x)");
const storedBox = z
  .object({ min: three(index), max: three(index) }, "must be a box: {min, max}")
  .refine(({ min, max }) => min.every((low, axis) => low <= (max[axis] as number)), {
    message: "the box is upside down: a min is greater than its max",
  });
const coordinate = three(z.number());
const file = z.object(
  {
    version: z.literal(1, "must be 1, the version that this program reads"),
    shape: three(z.int().min(1)),
    organs: z.record(
      z.string(),
      z.object({
        label: z.int(),
        present: z.boolean(),
        box: storedBox.optional(),
        physicalBox: z.object({ min: coordinate, max: coordinate }).optional(),
      }),
      "must be an object of boxes by organ",
    ),
  },
  "is not what `medlsam localize` or `medlsam segment` writes",
);

/** @throws InputError `BAD_ANNOTATION` for other files, `FILE_NOT_FOUND`, `READ_FAILED`. */
export async function readPredictedBoxes(path: string): Promise<PredictedBoxes> {
  return validate(path, file, parseJson(path, await readAnnotationText(path)));
}
