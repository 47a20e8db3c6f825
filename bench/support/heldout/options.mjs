/** The command line of the held-out benchmark. */
import { oneOf, readCommandLine } from "../command-line.mjs";
import { supportSeeds } from "./supports.mjs";

const usage = `Usage: npm run heldout [-- OPTIONS]
  --medlam FILE          default: models/demo-medlam.safetensors
  --sam FILE             default: models/demo-sam.safetensors; with --medlam alone nothing is segmented
  --only localization    no SAM
  --seeds N..M           phantoms; default: 30001..30040, on which nothing may be tuned (for that: 40001..)
  --phantoms N           only the first N of them
  --organs NAME,NAME,…   default: all
  --compare NAME,NAME,…  of them, those that fewer supports and the other strategy are tried on too; default: all; none
  --strategy wpl|spl     templates behind boxes, verdicts and ablations (default: wpl); with --sam the other kind is
                         compared with them
  --survey yes|no        points are placed by surveys of supports and scan (default: yes), or as published
  --slice-interval N     of spl templates, as in medlsam template build
  --supports N,N,…       how many supports templates are made of (default: 1,3,5; at most ${supportSeeds.length}); all organs are
                         localized with the most, those that are there with fewer
  --spacing MM           of the phantoms; default: as each seed draws it
  --support-region NAME  part of the body the supports show (default: whole); drawn: as each seed draws it
  --support-spacing MM   of the supports; default: as each seed draws it
  --templates DIR        keeps the templates, of seeds ${supportSeeds[0]} to ${supportSeeds.at(-1)}, here for the next run
  --boxes DIR            keeps what was localized here, for runs that differ in SAM alone
  --runtime onnx|torch   default: onnx
  --threads N            default: 2
  --json FILE            everything that was measured
  --from FILE            prints the tables of such a file, and measures nothing`;

/** Ends the process where they cannot be read. */
export function readOptions() {
  return readCommandLine(usage, checkOptions);
}

function checkOptions(values) {
  const number = (key) => {
    if (values[key] === undefined) return undefined;
    const value = Number(values[key]);
    if (!(value > 0)) throw new Error(`--${key} takes a number, not "${values[key]}".`);
    return value;
  };
  const only = oneOf(values, "only", "localization") !== undefined;
  const region = values["support-region"] ?? "whole";
  const demoSam = values.medlam === undefined ? "models/demo-sam.safetensors" : undefined;
  return {
    medlam: values.medlam ?? "models/demo-medlam.safetensors",
    sam: only ? undefined : (values.sam ?? demoSam),
    seeds: readSeeds(values.seeds ?? "30001..30040", number("phantoms")),
    organs: values.organs?.split(","),
    compare: values.compare === "none" ? [] : (values.compare ?? values.organs)?.split(","),
    strategy: oneOf(values, "strategy", "wpl", "spl") ?? "wpl",
    survey: (oneOf(values, "survey", "yes", "no") ?? "yes") === "yes",
    sliceInterval: number("slice-interval"),
    supports: readCounts(values.supports ?? "1,3,5"),
    spacing: number("spacing"),
    region: region === "drawn" ? undefined : region,
    supportSpacing: number("support-spacing"),
    templates: values.templates,
    boxes: values.boxes,
    runtime: oneOf(values, "runtime", "cpu", "onnx", "torch"),
    threads: number("threads") ?? 2,
    json: values.json,
    from: values.from,
  };
}

function readSeeds(range, most = Number.POSITIVE_INFINITY) {
  const [, first, last = first] = /^(\d+)(?:\.\.(\d+))?$/.exec(range) ?? [];
  const count = Number(last) - Number(first) + 1;
  if (!(count > 0)) throw new Error(`--seeds takes N..M, not "${range}".`);
  return Array.from({ length: Math.min(count, most) }, (_, i) => Number(first) + i);
}

/** Greatest first. */
function readCounts(list) {
  const counts = [...new Set(list.split(",").map(Number))].sort((a, b) => b - a);
  const isCount = (count) => Number.isInteger(count) && count >= 1 && count <= supportSeeds.length;
  if (counts.every(isCount)) return counts;
  throw new Error(`--supports takes numbers from 1 to ${supportSeeds.length}, not "${list}".`);
}
