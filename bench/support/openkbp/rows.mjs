/** The rows of the tables of boxes: a network, templates, and how they are searched for. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { buildTemplates, evaluate, Grid, localize, Templates } from "../../../dist/index.js";

/**
 * The rows that the steps ask for, with their templates, which are built where an earlier run has not.
 * @returns { key, title, step, medlam, templates, scales: undefined for all } each.
 */
export async function rowsOf(context) {
  const { steps, strategy, supports, networks } = context;
  const [most, ...fewer] = supports;
  const other = strategy === "wpl" ? "spl" : "wpl";
  const medlam = networks.main;
  const wanted = [
    { step: "boxes", medlam, strategy, count: most },
    { step: "boxes", medlam, strategy, count: most, scales: [] },
    ...fewer.map((count) => ({ step: "supports", medlam, strategy, count })),
    { step: "strategies", medlam, strategy: other, count: most },
  ].filter(({ step }) => steps.includes(step));
  const rows = [];
  for (const row of wanted) rows.push(await withTemplates(row, context));
  return rows;
}

async function withTemplates({ step, medlam, strategy, count, scales }, context) {
  const { patients, survey, results } = context;
  const supports = patients.supports.slice(0, count);
  const made = JSON.stringify({ version: 1, supports, survey });
  const hash = createHash("sha256").update(made).digest("hex").slice(0, 8);
  const name = `${strategy}-${count}-${hash}`;
  const path = results.path(medlam.fingerprint, `${name}.safetensors`);
  if (!existsSync(path)) await build(path, supports, { medlam, strategy }, context);
  const searched = scales === undefined ? "" : ", UAM alone";
  return {
    ...{ step, medlam, strategy, scales },
    key: `${medlam.fingerprint}/${name}${scales === undefined ? "" : "-uam"}`,
    title: `${strategy.toUpperCase()}, ${count} support${count > 1 ? "s" : ""}${searched}`,
    templates: await Templates.open(path),
  };
}

async function build(path, names, how, { patients, survey, threads, progress }) {
  progress(`${how.strategy} templates of ${names.join(", ")}`);
  const supports = [];
  try {
    for (const name of names) supports.push(await patients.open(name));
    const built = await buildTemplates({
      ...how,
      ...{ supports, survey, threads, names: patients.names },
    });
    await built.save(path);
    built.close();
  } finally {
    for (const support of supports) closeScan(support);
  }
}

function closeScan({ image, labels, grid }) {
  image.close();
  labels.close();
  grid?.close();
}

/** The job of a patient for `runCases`: every row that is not there yet, on one grid. */
export function localizing(rows, { patients, results, survey, threads }) {
  const missing = (name) => rows.filter(({ key }) => results.read(key, name) === undefined);
  return {
    skip: async ({ name }) => (missing(name).length === 0 ? "measured" : undefined),
    async prepare({ name }) {
      const scan = await patients.open(name);
      try {
        return { ...scan, grid: await Grid.make(scan.image, { threads }) };
      } catch (error) {
        closeScan(scan);
        throw error;
      }
    },
    async work({ name }, { image, labels, grid }, { onNote }) {
      for (const { key, title, medlam, templates, scales } of missing(name)) {
        onNote(title);
        const how = { medlam, templates, grid, survey, threads, ...(scales && { scales }) };
        const found = await localize(image, how);
        const figures = await boxFigures(found, labels, patients.names);
        results.write(key, name, { figures, found: { ...found, image: "" } });
      }
    },
    release: closeScan,
  };
}

/** IoU and WD of the boxes of all organs that the label map shows, also of those that are called absent. */
async function boxFigures(found, labels, names) {
  const organs = Object.fromEntries(
    Object.entries(found.organs).map(([name, organ]) => [name, { ...organ, present: true }]),
  );
  const boxes = { ...found, organs };
  const compared = await evaluate({ boxes, truth: labels, names });
  return Object.fromEntries(
    Object.entries(compared.organs)
      .filter(([, { truth }]) => truth.voxels > 0)
      .map(([name, { iou, wd }]) => [name, { iou, wd, present: found.organs[name].present }]),
  );
}
