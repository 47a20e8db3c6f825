/**
 * `npm run openkbp -- --data FOLDER [OPTIONS]`: what the models reach on heads and necks of patients, organ by organ, in
 * the paper's kind of table. Prints Markdown; progress goes to standard error. Whatever was measured is kept in a folder, so
 * that a run goes on where an earlier one ended.
 */
import { runCases } from "../dist/index.js";
import { describeMachine } from "./support/machine.mjs";
import { loadNetworks } from "./support/openkbp/networks.mjs";
import { readOptions } from "./support/openkbp/options.mjs";
import { patientJob } from "./support/openkbp/patient-job.mjs";
import { openPatients } from "./support/openkbp/patients.mjs";
import { printReport } from "./support/openkbp/report.mjs";
import { Results } from "./support/openkbp/results.mjs";
import { rowsOf } from "./support/openkbp/rows.mjs";

const options = readOptions();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
const progress = (text) => process.stderr.write(`${text}\n`);

try {
  const patients = openPatients(options);
  const machine = await describeMachine(options.threads);
  const networks = await loadNetworks(options);
  const results = new Results(options.output);
  const context = { ...options, patients, networks, results, progress };
  const rows = await rowsOf(context);
  await runAll(patientJob(rows, context), patients.measured);
  printReport({ machine, rows, results, ...context });
} catch (error) {
  if (error.code === undefined) throw error;
  progress(`openkbp: ${error.message}`);
  process.exitCode = 1;
}

/** Every patient's job, the next one being read meanwhile; one that fails is told of, and the others go on. */
async function runAll(job, names) {
  let place = "";
  const onEvent = ({ type, case: { name }, index, count, text }) => {
    if (type === "case-started") place = `[${index + 1}/${count}] ${name}`;
    if (type === "note") progress(`${place}: ${text}`);
  };
  const cases = names.map((name) => ({ name }));
  for await (const { status, case: each, error } of runCases(cases, job, { onEvent })) {
    if (status !== "failed") continue;
    process.exitCode = 1;
    progress(`openkbp: ${each.name}: ${error.code === undefined ? error.stack : error.message}`);
  }
}
