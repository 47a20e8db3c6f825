/** `medlsam segment`: the organs of one image or of a dataset as masks. */
import { type Command, Option } from "commander";
import type { Conventions } from "../addon/contract/index.js";
import { joinNotes } from "../checkpoints/notes.js";
import { boxesFile, describeBoxes } from "../formats/boxes.js";
import type { Grid, OrganPrompt, Volume } from "../index.js";
import type { Scale } from "../localization/result.js";
import { isComplete, maskFiles, removeRemains } from "../pipeline/case-folder.js";
import { type Case, casesOf, casesOfShard, chooseShard, listImages } from "../pipeline/cases.js";
import { type CaseOutputs, writeCase } from "../pipeline/write-case.js";
import { runCases } from "./cases.js";
import {
  type ModelFlags,
  medlamChoice,
  modelsOption,
  requireModel,
  resolveModels,
  samChoice,
  templatesOption,
} from "./model-flags.js";
import {
  conventionsOption,
  deviceOption,
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
import { checkFolder, checkWritable } from "./output.js";
import type { ProgressDisplay } from "./progress.js";
import { createProgress } from "./progress.js";
import { promptSource } from "./prompt-source.js";
import { Report } from "./report.js";
import type { Session } from "./session.js";
import { count, formatSeconds } from "./text.js";

export interface SegmentFlags extends ModelFlags {
  output: string;
  boxes?: string;
  points?: string;
  scales: Scale[];
  conventions: Conventions;
  seed?: number;
  survey?: boolean;
  minScore?: number;
  roiSubset?: string[];
  ml?: boolean;
  largestComponent?: boolean;
  minVoxels?: number;
  statistics?: boolean;
  preview?: boolean;
  page?: boolean;
  report?: string;
  skipExisting?: boolean;
  runtime: RuntimeName;
  device: string;
  numParts?: number;
  partId?: number;
  threads: number;
  quiet?: boolean;
}

export function addSegment(program: Command, session: Session): void {
  program
    .command("segment")
    .description("find organs in CT scans (NIfTI) and segment them: masks")
    .argument("<image...>", "CT scans: .nii or .nii.gz, folders of them, or .txt lists")
    .requiredOption("-o, --output <folder>", "results go to FOLDER/NAME/ for NAME.nii.gz")
    .addOption(samChoice())
    .addOption(templatesOption())
    .addOption(medlamChoice())
    .addOption(modelsOption())
    .option(
      "--boxes <path>",
      "boxes instead of templates: JSON of localize or segment, Slicer ROIs; or a folder of NAME.json",
    )
    .option("--points <path>", "points to prompt with: Slicer point lists or JSON; or a folder")
    .option(
      "--scales <list>",
      'feature scales to search with, "none" for the coarse step alone',
      parseScales,
      [0, 1, 2],
    )
    .addOption(surveyOption())
    .addOption(conventionsOption())
    .option(
      "--seed <n>",
      "seed of the random query centres (default: 0)",
      parseInteger(0, 2 ** 32 - 1),
    )
    .option("--min-score <number>", "an organ that scores less is absent", parseNumber(-1, 1))
    .option("--roi-subset <names>", "only these organs, separated by commas", parseList)
    .option("--ml", "one label map, segmentation.nii.gz, instead of a mask per organ")
    .option("--largest-component", "keep only the largest connected part of each mask")
    .option(
      "--min-voxels <n>",
      "remove connected parts of fewer voxels",
      parseInteger(0, 2 ** 31 - 1),
    )
    .option("--statistics", "also statistics.json: volume (mm³) and mean intensity of each organ")
    .option("--preview", "also preview.png: the middle slices with contours and boxes")
    .option("--page", "also page.html: scan, masks and boxes, to look through in a browser")
    .option("--report <file>", "JSON of the whole run: settings, and each scan's counts and times")
    .option("--skip-existing", "pass over scans whose results are complete")
    .option("--num-parts <n>", "work on one of N parts of the scans", parseInteger(1, 1_000_000))
    .addOption(
      new Option("--part-id <i>", "which part, from 0")
        .argParser(parseInteger(0, 999_999))
        .default(undefined, "SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX"),
    )
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nEvery scan gets a folder: <organ>.nii.gz for each organ (or --ml), and boxes.json, which appears last.",
    )
    .action(async (inputs: string[], flags: SegmentFlags) => {
      session.exitCode = await segmentAll(inputs, flags, session);
    });
}

async function segmentAll(
  inputs: string[],
  given: SegmentFlags,
  session: Session,
): Promise<number> {
  const located = given.boxes !== undefined || given.points !== undefined;
  const flags = resolveModels(given, located ? ["sam"] : ["templates", "medlam", "sam"]);
  const samFile = requireModel(flags, "sam");
  const shard = chooseShard(flags, process.env);
  const images = await listImages(inputs);
  const cases = casesOfShard(casesOf(images), shard);
  checkFolder(flags.output);
  if (flags.report !== undefined) checkWritable(flags.report, images);
  const progress = createProgress(flags.quiet ?? false, session.signal);
  const { signal } = session;
  const api = await session.api();
  const source = await promptSource(flags, images.length, api, signal);
  const { runtime, device, threads } = flags;
  const sam = await api.Sam.load(samFile, { runtime, device, threads, signal });
  if (sam.fallback !== "") progress.say(`medlsam: ${sam.fallback}`);
  for (const note of new Set([source.note, sam.note])) if (note !== "") progress.say(note);
  const work: Work = { api, source, sam, flags, signal, progress };
  const report = new Report(flags, {
    ...source.facts,
    sam: sam.fingerprint,
    note: joinNotes(source.note, sam.note) || undefined,
  });
  try {
    return await runCases(cases, {
      progress,
      report,
      skip: (each) => skip(each, flags),
      prepare: (each) => prepare(each, work),
      drop,
      work: (each, ready) => segmentOne(each, ready, work),
    });
  } finally {
    // Of an interrupted run too: hours of scans may be done.
    if (flags.report !== undefined) report.write(flags.report);
  }
}

async function skip({ name }: Case, flags: SegmentFlags): Promise<string | undefined> {
  if (!flags.skipExisting || !(await isComplete(flags.output, name))) return undefined;
  await removeRemains(flags.output, name);
  return `${name}: ${boxesFile} is there, passed over`;
}

interface Work {
  api: Awaited<ReturnType<Session["api"]>>;
  source: Awaited<ReturnType<typeof promptSource>>;
  sam: import("../index.js").Sam;
  flags: SegmentFlags;
  signal: AbortSignal;
  progress: ProgressDisplay;
}

/** What can be ready before the networks are. */
interface Ready {
  volume: Volume;
  grid?: Grid;
  read: number;
  gridding: number;
}

async function prepare({ image }: Case, { api, source, flags, signal }: Work): Promise<Ready> {
  const { threads, conventions } = flags;
  const started = performance.now();
  const volume = await api.Volume.read(image, { threads, signal });
  const read = seconds(started);
  if (!source.needsGrid) return { volume, read, gridding: 0 };
  try {
    const gridStarted = performance.now();
    const grid = await api.Grid.make(volume, { threads, signal, conventions });
    return { volume, grid, read, gridding: seconds(gridStarted) };
  } catch (error) {
    volume.close();
    throw error;
  }
}

function drop({ volume, grid }: Ready): void {
  grid?.close();
  volume.close();
}

async function segmentOne({ name, image }: Case, ready: Ready, work: Work) {
  const { api, source, sam, flags, signal, progress } = work;
  const { threads, conventions, largestComponent, minVoxels } = flags;
  const { volume, read, gridding } = ready;
  const onProgress = progress.follow(image);
  const started = performance.now();
  try {
    const found = await source.find(name, volume, ready.grid, onProgress);
    ready.grid?.close();
    // Names that cannot be files are better known now than when the work is done.
    if (!flags.ml) maskFiles(Object.keys(found.organs));
    const localizing = seconds(started);
    const segmentation = await api.segment(volume, {
      segmenter: sam,
      organs: found.organs,
      note: source.note,
      conventions,
      largestComponent,
      minVoxels,
      threads,
      signal,
      onProgress,
    });
    try {
      const boxes = found.localization ?? describeBoxes(found.organs, volume);
      const outputs: CaseOutputs = {
        labelMap: flags.ml ?? false,
        statistics: flags.statistics ?? false,
        preview: flags.preview ?? false,
        page: flags.page ?? false,
      };
      const writeStarted = performance.now();
      onProgress({ phase: "write", done: 0, total: 1 });
      await writeCase(flags.output, name, segmentation, boxes, outputs, { threads, signal });
      const { timing } = segmentation;
      const total = seconds(started);
      return {
        line: summary(image, found.organs, timing.encoderRuns, total),
        counts: {
          organs: Object.keys(found.organs).length,
          present: present(found.organs),
          patches: found.localization?.timing.patches ?? 0,
          encoderRuns: timing.encoderRuns,
          prompts: timing.prompts,
        },
        seconds: {
          read,
          grid: gridding,
          localize: localizing,
          prepare: timing.prepare,
          encode: timing.encode,
          decode: timing.decode,
          segment: timing.total,
          write: seconds(writeStarted),
          total,
        },
      };
    } finally {
      segmentation.close();
    }
  } finally {
    drop(ready);
  }
}

function present(organs: Readonly<Record<string, OrganPrompt>>): number {
  return Object.values(organs).filter((organ) => organ.present !== false).length;
}

function summary(
  image: string,
  organs: Readonly<Record<string, OrganPrompt>>,
  slices: number,
  time: number,
): string {
  const all = Object.keys(organs).length;
  const here = present(organs);
  if (here === 0) {
    return `${image}: none of the ${count(all, "organ")} is in this scan; the masks are empty (${formatSeconds(time)})`;
  }
  const organText = `${count(all, "organ")}, ${here} present`;
  return `${image}: ${organText}, ${count(slices, "slice")} encoded, ${formatSeconds(time)}`;
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
