/** A patient's masks, from boxes that were found and from those of the label map. */
import { evaluate, labelBoxes, segment } from "../../../dist/index.js";

/** Where the masks of these rows' boxes are kept. */
export function masksKey(rows, { sam }) {
  return `${sam.fingerprint}/${rows.map(({ key }) => key.replace("/", "-")).join("+")}`;
}

/** The rows whose boxes are segmented: of both strategies, where both were measured. */
export const segmentedRows = (rows) =>
  rows.filter(({ role }) => role === "main" || role === "strategy");

/** Every organ that is there, from two kinds of boxes a row, in one run that encodes each slice once. */
export async function measureMasks(name, { image, labels }, rows, context) {
  const { networks, patients, results, threads } = context;
  const prompts = {};
  for (const { key, strategy, templates } of rows) {
    const { found } = results.read(key, name);
    const parts = new Map(templates.organs.map(({ label, parts }) => [label, parts]));
    const truth = await labelBoxes(labels, { threads, parts });
    for (const [label, { parts: given }] of truth) {
      const organ = patients.names.get(label);
      const boxes = found.organs[organ];
      if (boxes === undefined) continue;
      prompts[`${strategy}, found/${organ}`] = { parts: boxes.parts };
      prompts[`${strategy}, given/${organ}`] = { parts: given };
    }
  }
  const segmentation = await segment(image, { segmenter: networks.sam, organs: prompts, threads });
  const figures = {};
  try {
    for (const [prompt, organ] of Object.entries(segmentation.organs)) {
      const [kind, organName] = prompt.split("/");
      figures[organName] ??= {};
      figures[organName][kind] = await maskFigures(organ, organName, labels, context);
    }
  } finally {
    segmentation.close();
  }
  results.write(masksKey(rows, networks), name, { figures });
}

async function maskFigures(organ, name, labels, { patients, threads }) {
  const mask = await organ.toVolume({ threads });
  try {
    const { organs } = await evaluate({
      ...{ prediction: { [name]: mask }, truth: labels },
      ...{ names: patients.names, organs: [name], threads },
    });
    const { dice, hd95 } = organs[name];
    return { dice, hd95 };
  } finally {
    mask.close();
  }
}
