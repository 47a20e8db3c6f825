/** The annotated scans that templates are made of: the options that give them, and what is made of them. */
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { secondsSince } from "../base/time.js";
import type { AddOptions, Kernels, Support, Templates } from "../index.js";
import { addDicomOptions, type DicomFlags, dicomOptions } from "./dicom-options.js";
import {
  addScans,
  deviceOption,
  givenScans,
  modelOption,
  namesOption,
  nanOption,
  normalizedOption,
  parseLabels,
  quietOption,
  type RuntimeName,
  runtimeOption,
  threadsOption,
} from "./options.js";
import { checkWritable } from "./output.js";
import { createProgress, sayOnce } from "./progress.js";
import type { Api, Session } from "./session.js";
import { count, formatSeconds } from "./text.js";

export interface AnnotatedFlags extends DicomFlags {
  /** The scans' former spelling. */
  images?: string[];
  labels?: string[];
  extremePoints?: string[];
  medlam: string;
  runtime?: RuntimeName;
  device: string;
  classes?: number[];
  names?: string;
  kernels?: Kernels;
  normalized?: boolean;
  nan?: number;
  threads: number;
  quiet?: boolean;
}

/** The scans, their annotation and the network. */
export function addAnnotated(command: Command): Command {
  return addScans(command)
    .option("--labels <path...>", "their label maps, in the same order; folders and lists too")
    .option(
      "--extreme-points <file...>",
      "or six extreme points per organ: 3D Slicer .mrk.json or plain JSON",
    )
    .addOption(modelOption("medlam").makeOptionMandatory())
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .option("--classes <list>", "only these labels: 1,2", parseLabels)
    .addOption(namesOption());
}

/** How the scans are read and the file is written. */
export function addMaking(command: Command): Command {
  return addDicomOptions(command)
    .addOption(kernelsOption())
    .addOption(normalizedOption())
    .addOption(nanOption())
    .addOption(threadsOption())
    .addOption(quietOption());
}

const allKernels = ["float16", "int4"] as const satisfies readonly Kernels[];

export const kernelsOption = () =>
  new Option(
    "--kernels <type>",
    "how the file keeps features: int4 takes two sevenths of float16's room (default: as the file that is added to, or float16)",
  ).choices(allKernels);

/** Has templates made of the annotated scans that the flags name, and writes them into `output`. */
export async function makeOfAnnotated(
  inputs: string[],
  flags: AnnotatedFlags,
  output: string,
  session: Session,
  make: (options: AddOptions, api: Api) => Promise<Templates>,
): Promise<void> {
  const { runtime, device, threads, normalized, nan, classes, kernels } = flags;
  const scans = givenScans(inputs, flags);
  if ((flags.labels === undefined) === (flags.extremePoints === undefined)) {
    throw new UsageError("Give either --labels or --extreme-points, one file for each image.");
  }
  const started = performance.now();
  const { signal } = session;
  const progress = createProgress(flags.quiet ?? false, signal);
  const api = await session.api();
  const pairs = await pairUp(scans, flags, api);
  const files = pairs.flatMap(({ image, annotation }) => [image, annotation]);
  checkWritable(output, [...files, flags.medlam]);
  const supports = await supportsOf(pairs, flags, api);
  const names = flags.names === undefined ? undefined : await api.readLabelNames(flags.names);
  const onFallback = sayOnce(progress);
  // Templates are made once and searched often: their features are not rounded.
  const how = { runtime, device, precision: "float32", threads, signal, onFallback } as const;
  const medlam = await api.MedLam.load(flags.medlam, how);
  try {
    const onProgress = progress.follow(output);
    const reading = { nan, threads, signal, ...dicomOptions(flags) };
    const how = { classes, names, normalized, ...reading, onProgress };
    const templates = await make({ medlam, supports, ...how }, api);
    await templates.save(output, { kernels, signal });
    progress.say(`${describeFile(output, templates)}, ${formatSeconds(secondsSince(started))}`);
  } finally {
    progress.clear();
  }
}

/** "organs.safetensors: 3 organs from 5 supports, 18 points". */
export function describeFile(path: string, { organs, supports, points }: Templates): string {
  const from = count(supports.length, "support");
  return `${path}: ${count(organs.length, "organ")} from ${from}, ${count(points, "point")}`;
}

interface Pair {
  image: string;
  /** A label map, or a file of extreme points. */
  annotation: string;
}

/** @throws UsageError unless there is an annotation for each image. */
async function pairUp(
  scans: string[],
  { labels, extremePoints = [] }: AnnotatedFlags,
  { listImages }: Api,
): Promise<Pair[]> {
  const images = await listImages(scans);
  const annotations = labels ? await listImages(labels) : extremePoints;
  if (annotations.length !== images.length) {
    const option = labels ? "--labels" : "--extreme-points";
    throw new UsageError(
      `${count(images.length, "image")} but ${annotations.length} with ${option}: give one for each, in the same order.`,
    );
  }
  return images.map((image, i) => ({ image, annotation: annotations[i] ?? "" }));
}

function supportsOf(pairs: Pair[], { labels }: AnnotatedFlags, api: Api): Promise<Support[]> {
  return Promise.all(
    pairs.map(async ({ image, annotation }) =>
      labels === undefined
        ? { image, extremePoints: await api.readExtremePoints(annotation) }
        : { image, labels: annotation },
    ),
  );
}
