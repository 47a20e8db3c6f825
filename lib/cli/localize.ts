/** `medlsam localize`: where the organs are, in one image or in many. */
import type { Command } from "commander";
import { z } from "zod";
import { UsageError } from "../base/errors.js";
import { formatJson } from "../formats/json.js";
import { parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import type { ScanCase, ScanResult, Triple } from "../index.js";
import { seriesCases, withoutSeries } from "./dicom-options.js";
import { followCases, showEvents } from "./follow.js";
import { checkModels, noneFound } from "./model-flags.js";
import {
  modelOption,
  modelsOption,
  normalizedOption,
  scansHelp,
  setStrategyOption,
} from "./options.js";
import { checkWritable, type OutputFlags, planBoxes, writeStdout } from "./output.js";
import { createProgress } from "./progress.js";
import {
  addLocatingOptions,
  addRunOptions,
  loadPipeline,
  runOptions,
  type ScanFlags,
} from "./scan-options.js";
import type { Session } from "./session.js";
import { count, formatSeconds } from "./text.js";

interface Flags extends OutputFlags, ScanFlags {
  queryCenters?: string;
  normalized?: boolean;
}

export function addLocalize(program: Command, session: Session): void {
  const command = program
    .command("localize")
    .description("find organs in CT scans (NIfTI): boxes as JSON")
    .argument("<image...>", scansHelp)
    .option("-o, --output <path>", "file, or folder for several images (NAME.json for NAME.nii.gz)")
    .option("--markups", "with -o: also NAME.mrk.json, boxes that 3D Slicer shows")
    .addOption(modelOption("templates"))
    .addOption(modelOption("medlam"))
    .addOption(modelsOption())
    .addOption(setStrategyOption())
    .option(
      "--query-centers <file>",
      "JSON array of [z, y, x] on the padded grid, instead of random centers",
    );
  addLocatingOptions(command).addOption(normalizedOption());
  addRunOptions(command)
    .addHelpText(
      "after",
      "\nWithout -o the JSON goes to standard output; for several images, one object per line.",
    )
    .action(async (images: string[], flags: Flags) => {
      session.exitCode = await localizeAll(images, flags, session);
    });
}

const needed = ["templates", "medlam"] as const;

async function localizeAll(inputs: string[], flags: Flags, session: Session): Promise<number> {
  checkModels(flags, needed);
  const options = runOptions(flags, session.signal);
  if (flags.skipExisting && flags.output === undefined) {
    throw new UsageError("--skip-existing needs files to look for: give -o FILE or -o DIR.");
  }
  const api = await session.api();
  const images = await api.listImages(inputs);
  const series = await seriesCases(images, flags, api, session.signal);
  const cases = planBoxes(series ?? images, flags);
  if (flags.report !== undefined) checkWritable(flags.report, images);
  const { queryCenters: centers, normalized, markups, quiet = false } = flags;
  const queryCenters = centers === undefined ? undefined : await readQueryCenters(centers);
  const progress = createProgress(quiet, session.signal);
  const pipeline = await loadPipeline(flags, needed, session, progress);
  const subject = ({ image }: ScanCase) => image;
  const outcomes = pipeline.runAll(cases, {
    ...{ ...options, normalized, queryCenters, markups, settings: withoutSeries(flags) },
    onEvent: showEvents(progress, subject),
  });
  const done = async ({ localization, counts, seconds }: ScanResult, each: ScanCase) => {
    if (each.boxes === undefined) {
      progress.clear();
      const text = cases.length > 1 ? JSON.stringify(localization) : formatJson(localization);
      await writeStdout(`${text}\n`);
    }
    const time = formatSeconds(localization?.timing.total ?? seconds.total);
    const { organs, present } = counts;
    if (present === 0) return `${each.image}: ${noneFound(organs, flags)}, ${time}`;
    return `${each.image}: ${count(organs, "organ")}, ${present} present, ${time}`;
  };
  return followCases(outcomes, { progress, subject, done });
}

const gridIndex = z.int("an index is a whole number").min(0, "an index is at least 0");
const centersFile = z
  .array(
    z.tuple([gridIndex, gridIndex, gridIndex], "a centre is three indices: [z, y, x]"),
    "must be an array",
  )
  .min(1, "there is no centre in it: give at least one [z, y, x]");

async function readQueryCenters(path: string): Promise<Triple[]> {
  return validate(path, centersFile, parseJson(path, await readAnnotationText(path)));
}
