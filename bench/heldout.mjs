/**
 * `npm run heldout [-- OPTIONS]`: what MedLAM and SAM reach on phantoms that no training used, per organ and against
 * the targets. Prints Markdown; progress goes to standard error.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MedLam, runCases, Sam } from "../dist/index.js";
import { measuring } from "./support/heldout/measure.mjs";
import { readOptions } from "./support/heldout/options.mjs";
import { printReport } from "./support/heldout/report.mjs";
import { makeTemplates } from "./support/heldout/supports.mjs";
import { describeMachine } from "./support/machine.mjs";

const options = readOptions();
if (options.from !== undefined) {
  const { phantoms, ...setup } = JSON.parse(readFileSync(options.from, "utf8"));
  printReport(phantoms, setup);
  process.exit(0);
}

const { seeds, strategy, supports, survey, threads, runtime, spacing, boxes } = options;
const progress = (text) => process.stderr.write(`${text}\n`);
const folder = options.templates ?? mkdtempSync(join(tmpdir(), "medlsam-heldout-"));
mkdirSync(folder, { recursive: true });
if (boxes) mkdirSync(boxes, { recursive: true });
if (options.templates === undefined) {
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

const machine = await describeMachine(threads);
const medlam = await MedLam.load(options.medlam, { threads, runtime });
const sam = options.sam && (await Sam.load(options.sam, { threads, runtime }));
// What boxes depend on.
const made = JSON.stringify({
  medlam: medlam.fingerprint,
  ...{ strategy, supports, survey, runtime, spacing, compare: options.compare },
  ...{ organs: options.organs, region: options.region },
  ...{ supportSpacing: options.supportSpacing, sliceInterval: options.sliceInterval },
});
const kept = boxes && { folder: boxes, made };
const context = { medlam, sam, survey, threads, spacing, kept, templates: await allTemplates() };

const cases = seeds.map((seed) => ({ name: `phantom ${seed}`, seed }));
const phantoms = [];
let place = "";
const onEvent = ({ type, case: { name }, index, count, text }) => {
  if (type === "case-started") place = `[${index + 1}/${count}] ${name}`;
  if (type === "note") progress(`${place}: ${text}`);
};
for await (const { status, result, error } of runCases(cases, measuring(context), { onEvent })) {
  if (status === "done") phantoms.push(result);
  else process.exitCode = 1;
  progress(`${place}: ${status === "done" ? status : error.stack}`);
}
const setup = { machine, options, models: describeModels() };
if (options.json) {
  writeFileSync(options.json, `${JSON.stringify({ ...setup, phantoms }, null, 1)}\n`);
}
printReport(phantoms, setup);

/**
 * `main` of the most supports, and of the organs to compare `other` of as many in the other strategy, and by number those
 * of fewer.
 */
async function allTemplates() {
  const all = { ...options, medlam, folder, progress };
  const how = { ...all, organs: options.compare };
  const [most, ...fewer] = supports;
  const templates = { main: await makeTemplates(strategy, most, all) };
  if (options.compare?.length === 0) return templates;
  // Also where SAM comes in a later run.
  if (sam || boxes)
    templates.other = await makeTemplates(strategy === "wpl" ? "spl" : "wpl", most, how);
  for (const count of fewer) templates[count] = await makeTemplates(strategy, count, how);
  return templates;
}

function describeModels() {
  const of = ({ path, fingerprint, parameters, width }) => ({
    path,
    fingerprint,
    parameters,
    width,
  });
  return { medlam: of(medlam), ...(sam && { sam: of(sam) }) };
}
