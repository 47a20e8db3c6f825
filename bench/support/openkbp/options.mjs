/** The command line of the benchmark on OpenKBP's patients. */
import { modelSets, models } from "../../../dist/index.js";
import { oneOf, readCommandLine } from "../command-line.mjs";

export const steps = ["boxes", "supports", "strategies", "models", "masks", "absent"];

const usage = `Usage: npm run openkbp -- --data FOLDER [OPTIONS]
  --data FOLDER          OpenKBP's patients: the published folder (provided-data/train-pats/pt_N/ct.csv, …), or one of NIfTI files with
                         images/, labels/ and split.json
  --models NAME          the set of models that is measured (default: head-neck, or demo where that is not there)
  --medlam FILE          instead of that set's MedLAM
  --sam FILE             instead of its SAM
  --against FILE         another MedLAM for the step "models" (default: the demo set's)
  --steps NAME,NAME,…    ${steps.join(", ")}; default: all of them
                         boxes: the organs' boxes, by UAM alone and with MSS, of the most supports
                         supports: the same with fewer supports
                         strategies: the same with the other strategy
                         models: the same with the other MedLAM
                         masks: Dice and HD95 of SAM's masks, from boxes found and given; of the strategies too, with that step
                         absent: organs outside a cut field of view, told from those inside
  --strategy wpl|spl     of what is measured (default: wpl)
  --supports N,N,…       how many annotated patients templates are made of (default: 1,3,5)
  --survey yes|no        points are placed by surveys of supports and scan (default: yes), or as published
  --patients N           only the first N of them
  --output FOLDER        keeps templates and figures here, for the next run (default: build/openkbp)
  --runtime NAME         cpu, onnx or torch; default: as medlsam chooses
  --device NAME          cpu (default) or cuda
  --threads N            default: 2`;

/** Ends the process where they cannot be read. */
export function readOptions() {
  return readCommandLine(usage, checkOptions);
}

function checkOptions(values) {
  if (values.data === undefined) throw new Error("--data FOLDER is missing.");
  const { files } = models(values.models ?? defaultSet());
  return {
    data: values.data,
    medlam: values.medlam ?? files.medlam,
    sam: values.sam ?? files.sam,
    templates: files.templates,
    against: values.against ?? models("demo").files.medlam,
    steps: readSteps(values.steps),
    strategy: oneOf(values, "strategy", "wpl", "spl") ?? "wpl",
    supports: readCounts(values.supports ?? "1,3,5"),
    survey: (oneOf(values, "survey", "yes", "no") ?? "yes") === "yes",
    limit: count("patients", values.patients) ?? Number.POSITIVE_INFINITY,
    output: values.output ?? "build/openkbp",
    runtime: oneOf(values, "runtime", "cpu", "onnx", "torch"),
    device: values.device ?? "cpu",
    threads: count("threads", values.threads) ?? 2,
  };
}

function defaultSet() {
  const names = modelSets().map(({ name }) => name);
  return names.includes("head-neck") ? "head-neck" : "demo";
}

function count(key, text) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${key} takes a whole number from 1 on, not "${text}".`);
}

function readSteps(text) {
  const chosen = text?.split(",") ?? steps;
  const unknown = chosen.find((step) => !steps.includes(step));
  if (unknown === undefined) return chosen;
  throw new Error(`--steps takes some of ${steps.join(", ")}, not "${unknown}".`);
}

/** Greatest first. */
function readCounts(list) {
  const counts = list.split(",").map((text) => count("supports", text));
  return [...new Set(counts)].sort((a, b) => b - a);
}
