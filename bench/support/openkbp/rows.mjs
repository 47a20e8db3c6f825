/** The rows of the tables of boxes: a network, templates, and how they are searched for. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { buildTemplates, Templates } from "../../../dist/index.js";

/**
 * The rows that the steps ask for, with their templates, which are built where an earlier run has not.
 * @returns { role, key: its folder in the results, title, medlam, strategy, templates, scales: undefined for all } each; the roles are
 * "main", which masks and verdicts are of too, "uam", "fewer", "strategy" and "models".
 */
export async function rowsOf(context) {
  const { steps, strategy, supports, networks } = context;
  const [most, ...fewer] = supports;
  const medlam = networks.main;
  const other = strategy === "wpl" ? "spl" : "wpl";
  const asks = (...names) => names.some((name) => steps.includes(name));
  const same = { medlam, strategy, count: most };
  const wanted = [
    ...(asks("boxes", "masks", "absent") ? [{ ...same, role: "main" }] : []),
    ...(asks("boxes") ? [{ ...same, role: "uam", scales: [] }] : []),
    ...(asks("supports") ? fewer.map((count) => ({ ...same, role: "fewer", count })) : []),
    ...(asks("strategies") ? [{ ...same, role: "strategy", strategy: other }] : []),
    ...(networks.other && networks.other.fingerprint !== medlam.fingerprint
      ? [{ ...same, role: "models", medlam: networks.other }]
      : []),
  ];
  const rows = [];
  for (const row of wanted) rows.push(await withTemplates(row, context));
  return rows;
}

async function withTemplates(row, context) {
  const { role, medlam, strategy, count, scales } = row;
  const { patients, survey, results, networks } = context;
  const { minEvidence } = networks;
  const supports = patients.supports.slice(0, count);
  const made = JSON.stringify({ version: 1, supports, survey, minEvidence });
  const hash = createHash("sha256").update(made).digest("hex").slice(0, 8);
  const name = `${strategy}-${count}-${hash}`;
  const path = results.path(medlam.fingerprint, `${name}.safetensors`);
  if (!existsSync(path)) await build(path, supports, { medlam, strategy, minEvidence }, context);
  const searched = scales === undefined ? "" : ", UAM alone";
  const by = role === "models" ? `${medlam.path}: ` : "";
  return {
    ...row,
    key: `${medlam.fingerprint}/${name}${scales === undefined ? "" : "-uam"}`,
    title: `${by}${strategy.toUpperCase()}, ${count} support${count > 1 ? "s" : ""}${searched}`,
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
    for (const { image, labels } of supports) {
      image.close();
      labels.close();
    }
  }
}
