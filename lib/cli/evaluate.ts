/** `medlsam evaluate`: predictions against their truths, in one case or in many. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { secondsSince } from "../base/time.js";
import { makeFolder, writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import { readLabelNames } from "../formats/label-names.js";
import type { CaseEvaluation, CaseJob, EvaluationSummary, MatchedCases } from "../index.js";
import { addDicomOptions, type DicomFlags, dicomOptions } from "./dicom-options.js";
import { followCases, showEvents } from "./follow.js";
import { namesOption, parseList, parseNumber, quietOption, threadsOption } from "./options.js";
import { checkWritable, writeStdout } from "./output.js";
import { createProgress } from "./progress.js";
import type { Api, Session } from "./session.js";
import { count, formatSeconds, oneLine } from "./text.js";

const formats = ["json", "csv", "markdown"] as const;
type Format = (typeof formats)[number];

interface Flags extends DicomFlags {
  predictions: string[];
  truth: string[];
  images?: string[];
  names?: string;
  tolerance: number;
  organs?: string[];
  output?: string;
  format?: Format;
  threads: number;
  quiet?: boolean;
}

const help = `
PATH is a file, a list (.txt, one path a line) or a folder. A prediction is a label map, a folder of one case with
NAME.nii.gz for each organ (what segment writes), or the JSON of boxes that localize writes; a truth is a label map or a
folder of one case's masks, in CASE/ or CASE/segmentations/. A DICOM segmentation (SEG) or structure set (RTSTRUCT) is taken
as either; it is put onto the voxels of the other side, or of --images. Folders of these are taken as a case each. Cases are matched by
name; a truth may end in _label or _seg. A folder of NIfTI files is one of label maps, unless it is called segmentations,
holds boxes.json, or only fits the other side as one case's masks.

A missed organ counts as IoU, DSC and NSD of 0 and has no distance, as has one that is predicted where the truth has none;
an organ that both lack does not count.`;

export function addEvaluate(program: Command, session: Session): void {
  const command = program
    .command("evaluate")
    .description("compare predicted masks and boxes with the truth: IoU, WD, Dice, HD95, NSD, ASSD")
    .requiredOption("--predictions <path...>", "results of segment or localize, or label maps")
    .requiredOption("--truth <path...>", "label maps, or folders of organ masks")
    .option(
      "--images <path...>",
      "the scans, where prediction and truth are DICOM segmentations or structure sets",
    );
  addDicomOptions(command)
    .addOption(namesOption())
    .option("--tolerance <mm>", "tolerance of the normalized surface Dice", parseNumber(0, 1000), 2)
    .option("--organs <names>", "only these organs, separated by commas", parseList)
    .option("-o, --output <path>", "FILE.json, .csv or .md; or a folder for all of them")
    .addOption(new Option("--format <name>", "default: by the file's ending").choices(formats))
    .addOption(threadsOption())
    .addOption(quietOption())
    .addHelpText("after", `${help}\nWithout -o a Markdown table goes to standard output.`)
    .action(async (flags: Flags) => {
      session.exitCode = await evaluateAll(flags, session);
    });
}

async function evaluateAll(flags: Flags, session: Session): Promise<number> {
  const outputs = planReport(flags);
  const api = await session.api();
  const matched = await matchFiles(flags, api);
  const inputs = matched.pairs.flatMap(({ prediction, truth }) => [prediction.path, truth.path]);
  for (const { path } of outputs) if (path !== undefined) checkWritable(path, inputs);
  const names = flags.names === undefined ? undefined : await readLabelNames(flags.names);
  const { quiet = false, tolerance, organs, threads } = flags;
  const { signal } = session;
  const progress = createProgress(quiet, signal);
  sayUnmatched(matched, quiet);
  const started = performance.now();
  const subject = ({ name }: Pair) => name;
  const job: CaseJob<Pair, undefined, CaseEvaluation> = {
    prepare: async () => undefined,
    work: ({ name, prediction, truth, image }, _, { onProgress }) => {
      onProgress({ phase: "read", done: 0, total: 1 });
      const files = { prediction: prediction.path, truth: truth.path, image };
      const how = { name, names, tolerance, organs, threads, signal, onProgress };
      return api.evaluate({ ...files, ...how, ...dicomOptions(flags) });
    },
  };
  const cases: CaseEvaluation[] = [];
  const failed: Report["failed"] = [];
  const onEvent = showEvents<Pair, CaseEvaluation>(progress, subject);
  const exitCode = await followCases(api.runCases(matched.pairs, job, { signal, onEvent }), {
    ...{ progress, subject },
    done: (evaluation) => void cases.push(evaluation),
    failed: (error, { name }) => failed.push({ case: name, message: (error as Error).message }),
  });
  if (cases.length === 0) return exitCode;
  const summary = api.summarizeEvaluations(cases);
  sayUnknownOrgans(organs, summary);
  const report = { summary, cases, failed, unmatched: matched.unmatched };
  for (const output of outputs) await write(output, report, api);
  const seconds = formatSeconds(secondsSince(started));
  progress.say(`${count(cases.length, "case")}, ${organCount(summary)}, ${seconds}`);
  return exitCode;
}

type Pair = MatchedCases["pairs"][number];

async function matchFiles(
  { predictions, truth, images = [] }: Flags,
  { findCases, listImages, matchCases }: Api,
): Promise<MatchedCases> {
  const scans = await listImages(images);
  return matchCases(await findCases(predictions), await findCases(truth), scans);
}

interface Output {
  /** Standard output if not given. */
  path?: string;
  what: Format | "cases";
}

const endings: Record<string, Format> = { ".json": "json", ".csv": "csv", ".md": "markdown" };

/** Where the report goes, its folder made. */
function planReport({ output, format }: Flags): Output[] {
  if (output === undefined) return [{ what: format ?? "markdown" }];
  if (!output.endsWith("/") && !isFolder(output)) {
    const ending = /\.[^./]+$/.exec(output)?.[0].toLowerCase() ?? "";
    const what = format ?? endings[ending];
    if (what !== undefined) return [{ path: output, what }];
    throw new UsageError(
      `${output}: the ending says no format. Give FILE.json, FILE.csv or FILE.md, a folder (ending in /), or --format.`,
    );
  }
  makeFolder(output);
  const all: Output[] = [
    { path: join(output, "evaluation.json"), what: "json" },
    { path: join(output, "evaluation.csv"), what: "csv" },
    { path: join(output, "cases.csv"), what: "cases" },
    { path: join(output, "evaluation.md"), what: "markdown" },
  ];
  return all.filter(({ what }) => format === undefined || what === format);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

interface Report {
  summary: EvaluationSummary;
  cases: CaseEvaluation[];
  failed: { case: string; message: string }[];
  unmatched: MatchedCases["unmatched"];
}

async function write({ path, what }: Output, report: Report, api: Api): Promise<void> {
  const text = {
    json: () => formatJson({ version: 1, ...report }),
    csv: () => api.evaluationCsv(report.summary),
    cases: () => api.casesCsv(report.cases),
    markdown: () => api.evaluationMarkdown(report.summary),
  }[what]();
  if (path === undefined) return writeStdout(`${text}\n`);
  writeWhole(path, `${text}\n`);
}

function sayUnmatched({ unmatched: { predictions, truths } }: MatchedCases, quiet: boolean): void {
  if (quiet) return;
  const say = (names: string[], side: string, other: string) => {
    if (names.length === 0) return;
    process.stderr.write(
      `${oneLine(`medlsam: ${side} without a ${other}, left out: ${names.join(", ")}`)}\n`,
    );
  };
  say(predictions, "predictions", "truth");
  say(truths, "truths", "prediction");
}

function sayUnknownOrgans(
  wanted: string[] = [],
  { organs, notAnnotated }: EvaluationSummary,
): void {
  const unknown = wanted.filter(
    (name) => organs[name] === undefined && !notAnnotated.includes(name),
  );
  if (unknown.length === 0) return;
  const known = Object.keys(organs).join(", ") || "none of these";
  process.stderr.write(
    `${oneLine(`medlsam: --organs: in no case: ${unknown.join(", ")}. There are: ${known}.`)}\n`,
  );
}

function organCount({ organs }: EvaluationSummary): string {
  return count(Object.keys(organs).length, "organ");
}
