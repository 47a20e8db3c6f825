/** Verdicts on a patient whose field of view is cut, so that some organs lie outside of it. */
import { labelBoxes, localize, Volume } from "../../../dist/index.js";

export const absentKey = ({ key }) => `${key}-cut`;

/**
 * The slices above the larynx, where it and the esophagus are absent, and those below the mandible, where it, the brain stem and the
 * parotids are. An organ that a cut goes through counts neither as absent nor as present.
 */
const cuts = {
  "above the larynx": ["Larynx", "above"],
  "below the mandible": ["Mandible", "below"],
};
/** A part of fewer slices is no field of view that anybody would scan. */
const leastSlices = 16;

export async function measureAbsent(name, { image, labels }, row, context) {
  const { patients, results, survey, threads } = context;
  const { medlam, templates } = row;
  const boxes = new Map(
    [...(await labelBoxes(labels, { threads }))].map(([label, { box }]) => [
      patients.names.get(label),
      box,
    ]),
  );
  const verdicts = {};
  for (const [title, [organ, side]] of Object.entries(cuts)) {
    const box = boxes.get(organ);
    if (box === undefined) continue;
    const slices = partOf(box, side, image);
    if (slices[1] - slices[0] < leastSlices) continue;
    const part = await cut(image, slices, threads);
    try {
      const { organs } = await localize(part, { medlam, templates, survey, threads });
      verdicts[title] = Object.fromEntries(
        templates.organs.flatMap(({ name: each, agreement }) => {
          const place = placeOf(boxes.get(each), slices);
          if (place === undefined) return [];
          const { present, score, margin } = organs[each];
          return [[each, { truth: place, verdict: { present, score, margin, agreement } }]];
        }),
      );
    } finally {
      part.close();
    }
  }
  results.write(absentKey(row), name, { verdicts });
}

/** The slices [first, end) of the image on a side of a box; its z axis may point either way. */
function partOf({ min, max }, side, { shape, axes }) {
  const upward = axes.at(-1) === "S";
  return upward === (side === "above") ? [max[0] + 1, shape[0]] : [0, min[0]];
}

/** "present" in the slices, "outside" of them, or undefined for an organ that is cut or not annotated. */
function placeOf(box, [first, end]) {
  if (box === undefined) return undefined;
  const [from, to] = [box.min[0], box.max[0]];
  if (from >= first && to < end) return "present";
  return to < first || from >= end ? "outside" : undefined;
}

/** Slices [first, end) of an image, where they were. */
async function cut(image, [first, end], threads) {
  const [, rows, columns] = image.shape;
  const values = (await image.stored({ threads })).slice(
    first * rows * columns,
    end * rows * columns,
  );
  const affine = [...image.affine];
  for (const axis of [0, 1, 2]) affine[4 * axis + 3] += first * affine[4 * axis + 2];
  return Volume.fromArray(values, { shape: [end - first, rows, columns], affine }, { threads });
}
