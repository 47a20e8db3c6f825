/** The options of the commands that work through scans with a pipeline, each in one place. */
import { type Command, Option } from "commander";
import type { Conventions, Lattice, Pipeline, Precision, RunAllOptions, Scale } from "../index.js";
import {
  addDicomOptions,
  allSeriesOption,
  type DicomFlags,
  dicomOptions,
} from "./dicom-options.js";
import { type Model, type ModelFlags, modelFiles } from "./model-flags.js";
import {
  conventionsOption,
  deviceOption,
  fallbackOption,
  latticeOption,
  minScoreOption,
  nanOption,
  organsOption,
  parseInteger,
  precisionOption,
  quietOption,
  type RuntimeName,
  runtimeOption,
  scalesOption,
  seedOption,
  surveyOption,
  threadsOption,
} from "./options.js";
import { type ProgressDisplay, sayOnce } from "./progress.js";
import type { Session } from "./session.js";
import { chooseShard } from "./shard.js";

export interface ScanFlags extends ModelFlags, DicomFlags {
  dicomUids?: boolean;
  allSeries?: boolean;
  scales: Scale[];
  conventions: Conventions;
  seed?: number;
  survey?: boolean;
  lattice?: Lattice;
  nan?: number;
  minScore?: number;
  roiSubset?: string[];
  report?: string;
  skipExisting?: boolean;
  numParts?: number;
  partId?: number;
  runtime?: RuntimeName;
  device: string;
  fallback?: "cpu";
  precision?: Precision;
  threads: number;
  quiet?: boolean;
}

/** How organs are localized. */
export function addLocatingOptions(command: Command): Command {
  return addDicomOptions(command)
    .addOption(allSeriesOption())
    .option("--dicom-uids", "put the UIDs of DICOM series into the JSON of boxes")
    .addOption(scalesOption())
    .addOption(surveyOption())
    .addOption(latticeOption())
    .addOption(conventionsOption())
    .addOption(seedOption())
    .addOption(minScoreOption())
    .addOption(organsOption())
    .addOption(nanOption());
}

/** How the scans are worked through, and with what. */
export function addRunOptions(command: Command): Command {
  return command
    .option("--report <file>", "JSON of the whole run: settings, and each scan's counts and times")
    .option("--skip-existing", "skip scans whose results are complete")
    .option("--num-parts <n>", "work on one of N parts of the scans", parseInteger(1, 1_000_000))
    .addOption(
      new Option("--part-id <i>", "number of the part, from 0")
        .argParser(parseInteger(0, 999_999))
        .default(undefined, "SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX"),
    )
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .addOption(fallbackOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(quietOption());
}

/** @throws UsageError for options that do not go together. */
export function runOptions(flags: ScanFlags, signal: AbortSignal): RunAllOptions {
  const { scales, conventions, seed, survey, lattice, minScore, roiSubset, nan, threads } = flags;
  const { report, skipExisting } = flags;
  return {
    ...{
      scales,
      conventions,
      seed,
      survey,
      lattice,
      minScore,
      nan,
      threads,
      report,
      skipExisting,
      signal,
    },
    ...dicomOptions(flags),
    dicomUids: flags.dicomUids,
    organs: roiSubset,
    shard: chooseShard(flags, process.env),
  };
}

/** A pipeline of the models that the flags name; what there is to know of them is shown. */
export async function loadPipeline(
  flags: ScanFlags,
  needed: readonly Model[],
  session: Session,
  progress: ProgressDisplay,
): Promise<Pipeline> {
  const { runtime, device, fallback, precision, threads } = flags;
  const { signal } = session;
  const api = await session.api();
  const files = await modelFiles(flags, needed, api, session);
  const pipeline = await api.Pipeline.load({
    ...files,
    runtime,
    device,
    fallback,
    // Processes that share a machine's scans share its GPUs.
    part: chooseShard(flags, process.env)?.index,
    precision,
    threads,
    signal,
    onFallback: sayOnce(progress),
  });
  if (pipeline.note !== "") progress.say(pipeline.note);
  return pipeline;
}
