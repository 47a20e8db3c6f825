/** The options that commands share: their names, help, choices and parsers, each said once. */

import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { aConvention } from "../base/arguments.js";
import { computeDefaults, precisionNames, runtimeNames } from "../base/compute.js";
import { UsageError } from "../base/errors.js";
import { maxSeed } from "../base/seed.js";
import type { Conventions, Lattice, RuntimeOptions, Scale, Strategy, Triple } from "../index.js";
import { modelSetNames, models } from "../models/model-sets.js";

export type RuntimeName = NonNullable<RuntimeOptions["runtime"]>;
export const strategies = ["wpl", "spl"] as const satisfies readonly Strategy[];
const allLattices = [0, 8, 16] as const satisfies readonly Lattice[];
const allScales = [0, 1, 2] as const satisfies readonly Scale[];

const maxThreads = 1024;
/** Flags and help of the files of models. */
export const modelOptions = {
  templates: {
    flags: "-t, --templates <file>",
    help: "template file (see: medlsam template build)",
  },
  medlam: {
    flags: "--medlam <checkpoint>",
    help: "the MedLAM network (.pth, .tar, .safetensors)",
  },
  sam: { flags: "--sam <checkpoint>", help: "the SAM or MedSAM network (.pth, .safetensors)" },
} as const;

export const modelOption = (model: keyof typeof modelOptions) =>
  new Option(modelOptions[model].flags, modelOptions[model].help);

export function modelsOption(): Option {
  const names = modelSetNames();
  const list = names.map((name) => `${name}: ${purposeOf(name)}`).join("; ");
  const option = new Option("--models <name>", `models that come with medlsam. ${list}`);
  if (names.length > 0) return option.choices(names);
  return option.argParser(() => {
    throw new InvalidArgumentError("This package came without its models: install medlsam again.");
  });
}

/** Help is there also where a set's description is damaged, of which its use tells. */
function purposeOf(name: string): string {
  try {
    return models(name).purpose;
  } catch {
    return "damaged";
  }
}

export const setStrategyOption = () =>
  new Option(
    "--strategy <name>",
    "with --models: templates of whole organs (wpl, the default) or of organs in parts (spl), where the set has them",
  ).choices(strategies);

/** How one scan is named. */
export const scanHelp =
  "a CT scan: NIfTI, NRRD, MetaImage; DICOM as a folder, .zip, DICOMDIR or multi-frame file";

/** How scans are named wherever a command takes them. */
export const scansHelp =
  "CT scans: NIfTI, NRRD, MetaImage; DICOM as a folder of one scan, .zip, DICOMDIR or multi-frame file; folders of scans, or .txt lists";

/** The scans that a command works with: its arguments. `--images` is their former spelling. */
export function addScans(command: Command): Command {
  return command
    .argument("[image...]", scansHelp)
    .addOption(new Option("--images <path...>", scansHelp).hideHelp());
}

/** The scans that were given to {@link addScans}. @throws UsageError for none. */
export function givenScans(inputs: readonly string[], { images = [] }: { images?: string[] }) {
  const scans = [...inputs, ...images];
  if (scans.length === 0) throw new UsageError("Give the scans: files, folders or .txt lists.");
  return scans;
}

export const parseSeed = parseInteger(0, maxSeed);

export const seedOption = () =>
  new Option("--seed <n>", "seed of the random query centres (default: 0)").argParser(parseSeed);

export const scalesOption = () =>
  new Option("--scales <list>", 'feature scales to search with, "none" for the coarse step alone')
    .argParser(parseScales)
    .default([0, 1, 2] satisfies Scale[]);

export const organsOption = () =>
  new Option("--roi-subset <names>", "only these organs, separated by commas").argParser(parseList);

export const minScoreOption = () =>
  new Option("--min-score <number>", "an organ that scores less is absent").argParser(
    parseNumber(-1, 1),
  );

export const minEvidenceOption = () =>
  new Option(
    "--min-evidence <number>",
    "in scans, an organ with less of score ÷ agreement + margin ÷ 300 mm is absent (default: the score alone decides)",
  ).argParser(parseNumber(0, 10));

export const namesOption = () =>
  new Option("--names <file>", "names of the labels: ITK-SNAP, 3D Slicer .ctbl or JSON");

export const conventionsOption = () =>
  new Option("--conventions <name>", "arithmetic of the paper (exact) or of its code (reference)")
    .choices(aConvention.options)
    .default("exact" satisfies Conventions);

export const nanOption = () =>
  new Option(
    "--nan <value>",
    "read voxels that are NaN or infinite as this (HU; -1000 is air), as where a resampled scan has none",
  ).argParser(parseNumber(-1e9, 1e9));

export const normalizedOption = () =>
  new Option("--normalized", "intensities are in 0..1 already, not in Hounsfield units");

/** Names of devices are checked by the API, which alone knows them: see parseDevice of lib/addon/runtimes.ts. */
export const deviceOption = () =>
  new Option(
    "--device <name>",
    "auto: a GPU if there is one that can be used, else the CPU; cpu; cuda[:N] (also gpu[:N]): a GPU, or an error",
  ).default(computeDefaults.device);

export const fallbackOption = () =>
  new Option(
    "--fallback <name>",
    "cpu: a scan whose GPU is not there, is lost or fails is done on the CPU (default: it fails, the others go on)",
  ).choices(["cpu"]);

export const surveyOption = () =>
  new Option(
    "--survey",
    "sample the whole scan to place points: more accurate; not in the published method",
  );

export const latticeOption = () =>
  new Option(
    "--lattice <voxels>",
    "centers of search patches on a lattice of 8 or 16 voxels, so that near points share a patch: faster; not in the published method (default: 0, none)",
  ).argParser(parseLattice);

export const threadsOption = () =>
  new Option("--threads <n>", "threads of the process, for all its work together")
    .argParser(parseInteger(1, maxThreads))
    .env("MEDLSAM_THREADS")
    .default(Math.min(availableParallelism(), maxThreads), "one per CPU");

export const runtimeOption = () =>
  new Option(
    "--runtime <name>",
    "what runs the network: kernels of medlsam's own, ONNX Runtime, or libtorch (npm run build:torch); by default " +
      "what medlsam info names, and on a GPU torch or what else finds it",
  ).choices(runtimeNames);

export const precisionOption = () =>
  new Option(
    "--precision <name>",
    "what networks compute in: the cpu runtime has bfloat16 for SAM (AVX-512 BF16), the torch one has all " +
      "(default: float16 with torch on a GPU, else float32)",
  ).choices(precisionNames);

export const quietOption = () => new Option("-q, --quiet", "no progress, only errors");

export const jsonOption = () => new Option("--json", "JSON to standard output");

/** "0,2" → [0, 2]; "none" → []. */
export function parseLattice(text: string): Lattice {
  const found = allLattices.find((lattice) => String(lattice) === text);
  if (found === undefined) throw new InvalidArgumentError("A lattice is of 0, 8 or 16 voxels.");
  return found;
}

export function parseScales(text: string): Scale[] {
  if (text === "none") return [];
  const scales = parseList(text).map((word) => allScales.find((scale) => String(scale) === word));
  if (scales.includes(undefined) || new Set(scales).size < scales.length) {
    throw new InvalidArgumentError('Give some of 0,1,2 without repeats, or "none".');
  }
  return (scales as Scale[]).sort();
}

/** "a, b" → ["a", "b"]. */
export function parseList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new InvalidArgumentError("Give items separated by commas.");
  return items;
}

/** "1,2" → [1, 2]. */
export function parseLabels(text: string): number[] {
  return parseList(text).map(parseInteger(1, 65535));
}

/** One number or three separated by commas, in mm → (z, y, x). */
export function parseSpacing(text: string): Triple {
  const [z, y, x, ...more] = parseList(text).map(parseNumber(0.5, 10));
  if (z !== undefined && y === undefined) return [z, z, z];
  if (z === undefined || y === undefined || x === undefined || more.length > 0) {
    throw new InvalidArgumentError("Give one number, or three separated by commas.");
  }
  return [z, y, x];
}

/** A parser of whole numbers from `min` to `max`. */
export function parseInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** A parser of decimal numbers from `min` to `max`. */
export function parseNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Give a number from ${min} to ${max}.`);
  };
}
