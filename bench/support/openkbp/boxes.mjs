/** A patient's boxes: every row that was not measured yet, on one grid. */
import { evaluate, Grid, localize } from "../../../dist/index.js";

/** @returns the names of the rows' results that a patient lacks. */
export const missingRows = (rows, results, name) =>
  rows.filter(({ key }) => results.read(key, name) === undefined);

export async function measureBoxes(name, scan, rows, { patients, results, survey, threads }, note) {
  const { image, labels } = scan;
  const grid = await Grid.make(image, { threads });
  try {
    for (const { key, title, medlam, templates, scales } of missingRows(rows, results, name)) {
      note(title);
      const how = { medlam, templates, grid, survey, threads, ...(scales && { scales }) };
      const found = await localize(image, how);
      const figures = await boxFigures(found, labels, patients.names);
      results.write(key, name, { figures, found: { ...found, image: "" } });
    }
  } finally {
    grid.close();
  }
}

/** IoU and WD of the boxes of all organs that the label map shows, also of those that are called absent. */
export async function boxFigures(found, labels, names) {
  const organs = Object.fromEntries(
    Object.entries(found.organs).map(([name, organ]) => [name, { ...organ, present: true }]),
  );
  const compared = await evaluate({ boxes: { ...found, organs }, truth: labels, names });
  return Object.fromEntries(
    Object.entries(compared.organs)
      .filter(([, { truth }]) => truth.voxels > 0)
      .map(([name, { iou, wd }]) => [name, { iou, wd, present: found.organs[name].present }]),
  );
}
