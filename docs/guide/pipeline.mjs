// Segments every scan of a folder: node docs/guide/pipeline.mjs SCANS RESULTS [TEMPLATES MEDLAM SAM], else with the demo models.
import { Pipeline } from "medlsam";

const [scans = ".", output = "results", templates, medlam, sam] = process.argv.slice(2);
const pipeline = await Pipeline.load(sam ? { templates, medlam, sam } : { models: "demo" });
const options = {
  ...{ output, statistics: true, skipExisting: true, report: `${output}.report.json` },
  onEvent: (event) => {
    if (event.type === "case-started")
      console.error(`${event.index + 1} of ${event.count}: ${event.case.name}`);
  },
};
for await (const outcome of pipeline.runAll([scans], options)) {
  const { name } = outcome.case;
  if (outcome.status === "done") console.log(`${name}: ${outcome.result.counts.present} present`);
  else if (outcome.status === "skipped") console.log(`${name}: ${outcome.reason}`);
  else console.error(`${name}: ${outcome.error.message}`);
  if (outcome.status === "failed") process.exitCode = 1;
}
pipeline.close();
