/** `medlsam localize`: where the organs are, in one image or in many. */

import type { Command } from "commander";
import { z } from "zod";
import type { Conventions } from "../addon/contract/index.js";
import { AbortedError, UsageError } from "../base/errors.js";
import { writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import { roiMarkups } from "../formats/roi-markups.js";
import { parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import type { Localization, MedLam, Templates } from "../index.js";
import type { Scale } from "../localization/result.js";
import { listImages } from "../pipeline/cases.js";
import { describeError, exitCodeOf, exitCodes } from "./exit-codes.js";
import {
  type ModelFlags,
  medlamChoice,
  modelsOption,
  requireModel,
  resolveModels,
  templatesOption,
} from "./model-flags.js";
import {
  conventionsOption,
  deviceOption,
  normalizedOption,
  parseInteger,
  parseList,
  parseNumber,
  parseScales,
  quietOption,
  type RuntimeName,
  runtimeOption,
  surveyOption,
  threadsOption,
} from "./options.js";
import { type OutputFlags, planOutputs, type Target, writeStdout } from "./output.js";
import { createProgress, type ProgressDisplay } from "./progress.js";
import type { Session } from "./session.js";
import { count, formatSeconds } from "./text.js";

interface Flags extends OutputFlags, ModelFlags {
  runtime: RuntimeName;
  device: string;
  scales: Scale[];
  conventions: Conventions;
  queryCenters?: string;
  seed?: number;
  survey?: boolean;
  roiSubset?: string[];
  minScore?: number;
  normalized?: boolean;
  threads: number;
  quiet?: boolean;
}

export function addLocalize(program: Command, session: Session): void {
  program
    .command("localize")
    .description("find organs in CT scans (NIfTI): boxes as JSON")
    .argument("<image...>", "CT scans: .nii or .nii.gz, folders of them, or .txt lists")
    .addOption(templatesOption())
    .addOption(medlamChoice())
    .addOption(modelsOption())
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .option(
      "--scales <list>",
      'feature scales to search with, "none" for the coarse step alone',
      parseScales,
      [0, 1, 2],
    )
    .addOption(surveyOption())
    .addOption(conventionsOption())
    .option(
      "--query-centers <file>",
      "JSON array of [z, y, x] on the padded grid, instead of random centres",
    )
    .option(
      "--seed <n>",
      "seed of the random query centres (default: 0)",
      parseInteger(0, 2 ** 32 - 1),
    )
    .option("--roi-subset <names>", "only these organs, separated by commas", parseList)
    .option("--min-score <number>", "an organ that scores less is absent", parseNumber(-1, 1))
    .addOption(normalizedOption())
    .addOption(threadsOption())
    .option("-o, --output <path>", "file, or folder for several images (NAME.json for NAME.nii.gz)")
    .option("--markups", "with -o: also NAME.mrk.json, boxes that 3D Slicer shows")
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nWithout -o the JSON goes to standard output; for several images, one object per line.",
    )
    .action(async (images: string[], flags: Flags) => {
      session.exitCode = await localizeAll(images, flags, session);
    });
}

async function localizeAll(inputs: string[], given: Flags, session: Session): Promise<number> {
  const flags = resolveModels(given, ["templates", "medlam"]);
  const [templatesFile, medlamFile] = [
    requireModel(flags, "templates"),
    requireModel(flags, "medlam"),
  ];
  const targets = planOutputs(await listImages(inputs), flags);
  const progress = createProgress(flags.quiet ?? false, session.signal);
  const { runtime, device, threads, roiSubset } = flags;
  const { signal } = session;
  const api = await session.api();
  const queryCenters =
    flags.queryCenters === undefined ? undefined : await readQueryCenters(flags.queryCenters);
  const templates = await api.Templates.open(templatesFile, { signal });
  if (roiSubset) refuseUnknownOrgans(roiSubset, templates);
  const medlam = await api.MedLam.load(medlamFile, { runtime, device, threads, signal });
  if (medlam.fallback !== "") progress.say(`medlsam: ${medlam.fallback}`);
  if (medlam.note !== "") progress.say(medlam.note);
  templates.requireNetwork(medlam);
  const work: Work = { api, templates, medlam, queryCenters, flags, signal, progress };

  const codes: number[] = [];
  for (const target of targets) {
    try {
      const result = await localizeOne(target, work);
      await write(target, result, targets.length > 1);
      progress.say(summary(result.localization));
    } catch (error) {
      progress.clear();
      if (error instanceof AbortedError) throw error;
      process.stderr.write(`${describeError(error, target.image)}\n`);
      codes.push(exitCodeOf(error));
    }
  }
  return targets.length === 1 || codes.length === 0
    ? (codes[0] ?? exitCodes.done)
    : exitCodes.someFailed;
}

interface Work {
  api: Awaited<ReturnType<Session["api"]>>;
  templates: Templates;
  medlam: MedLam;
  queryCenters?: [number, number, number][];
  flags: Flags;
  signal: AbortSignal;
  progress: ProgressDisplay;
}

interface Result {
  localization: Localization;
  markups?: object;
}

async function localizeOne({ image, markups }: Target, work: Work): Promise<Result> {
  const { api, templates, medlam, queryCenters, flags, signal, progress } = work;
  const { threads, normalized, scales, conventions, seed, survey, minScore, roiSubset } = flags;
  const onProgress = progress.follow(image);
  onProgress({ phase: "read", done: 0, total: 1 });
  const started = performance.now();
  const volume = await api.Volume.read(image, { threads, signal });
  const read = (performance.now() - started) / 1000;
  try {
    const found = await api.localize(volume, {
      medlam,
      templates,
      scales,
      conventions,
      queryCenters,
      seed,
      survey,
      organs: roiSubset,
      minScore,
      normalized,
      threads,
      signal,
      onProgress,
    });
    const timing = { ...found.timing, read, total: found.timing.total + read };
    const localization = { ...found, timing };
    return markups === undefined
      ? { localization }
      : { localization, markups: roiMarkups(localization, volume) };
  } finally {
    volume.close();
  }
}

async function write(
  target: Target,
  { localization, markups }: Result,
  several: boolean,
): Promise<void> {
  if (target.json === undefined) {
    return writeStdout(`${several ? JSON.stringify(localization) : formatJson(localization)}\n`);
  }
  if (target.markups !== undefined) writeWhole(target.markups, `${formatJson(markups)}\n`);
  writeWhole(target.json, `${formatJson(localization)}\n`);
}

function refuseUnknownOrgans(wanted: string[], templates: Templates): void {
  const known = templates.organs.map(({ name }) => name);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new UsageError(
    `--roi-subset: no organ is called ${unknown.join(", ")}. The templates have: ${known.join(", ")}.`,
  );
}

const gridIndex = z.int("an index is a whole number").min(0, "an index is at least 0");
const centersFile = z
  .array(
    z.tuple([gridIndex, gridIndex, gridIndex], "a centre is three indices: [z, y, x]"),
    "must be an array",
  )
  .min(1, "there is no centre in it: give at least one [z, y, x]");

async function readQueryCenters(path: string): Promise<[number, number, number][]> {
  return validate(path, centersFile, parseJson(path, await readAnnotationText(path)));
}

function summary({ image, organs, timing }: Localization): string {
  const found = Object.values(organs);
  const present = found.filter((organ) => organ.present).length;
  return `${image}: ${count(found.length, "organ")}, ${present} present, ${formatSeconds(timing.total)}`;
}
