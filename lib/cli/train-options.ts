/** Options, arguments and progress that `medlsam train` has for every network. */
import { type Command, Option } from "commander";
import { computeDefaults } from "../base/compute.js";
import { UsageError } from "../base/errors.js";
import type { TrainOptions } from "../index.js";
import { commonNumbers, type NumberOption } from "../training/options.js";
import { addDicomOptions, type DicomFlags, dicomOptions } from "./dicom-options.js";
import {
  deviceOption,
  nanOption,
  parseInteger,
  parseNumber,
  quietOption,
  threadsOption,
} from "./options.js";
import { createProgress, type ProgressDisplay, sayOnce } from "./progress.js";
import type { Api, Session } from "./session.js";

/** The options of every network's training. */
export interface TrainFlags extends DicomFlags {
  /** The scans' former spelling. */
  images?: string[];
  validImages?: string[];
  validLabels?: string[];
  output: string;
  cache?: string;
  from?: string;
  steps: number;
  epochs: number;
  batch: number;
  microBatch: number;
  lr: number;
  seed: number;
  resume?: boolean;
  device: string;
  precision: "float32" | "bfloat16";
  threads: number;
  loaders: number;
  processes?: number;
  nan?: number;
  quiet?: boolean;
}

/** An option that takes a number, with the default and the limits that training itself has. */
export function numberOption(flags: string, about: string, number: NumberOption): Option {
  return conditionalNumberOption(flags, about, number).default(number.default);
}

/** The same, left undefined where it is not given: its default depends on other options. */
export function conditionalNumberOption(
  flags: string,
  about: string,
  { min, max, whole }: NumberOption,
): Option {
  return new Option(flags, about).argParser(whole ? parseInteger(min, max) : parseNumber(min, max));
}

/** The options that each network describes in its own words are added by its command. */
export function addTrainOptions(command: Command): Command {
  return addDicomOptions(command)
    .requiredOption("-o, --output <folder>", "where model, checkpoint and learning curve go")
    .option("--cache <folder>", "where prepared scans are kept (default: OUTPUT/scans)")
    .addOption(numberOption("--seed <n>", "seed of all random numbers", commonNumbers.seed))
    .option("--resume", "go on from the checkpoint in the output folder")
    .addOption(nanOption())
    .addOption(deviceOption())
    .addOption(
      new Option("--precision <name>", "type that the network computes in")
        .choices(["float32", "bfloat16"])
        .default(computeDefaults.precision),
    )
    .addOption(
      numberOption(
        "--micro-batch <n>",
        "scans or slices of a step that are computed at once; 0: one on a CPU, all on a GPU",
        commonNumbers.microBatch,
      ),
    )
    .addOption(threadsOption())
    .addOption(
      numberOption(
        "--loaders <n>",
        "threads that make batches ahead; 0: batches are made between the steps",
        commonNumbers.loaders,
      ),
    )
    .addOption(
      conditionalNumberOption(
        "--processes <n>",
        `local processes that share each batch (default: ${commonNumbers.processes.default})`,
        commonNumbers.processes,
      ),
    )
    .addOption(quietOption())
    .addHelpText("after", "\nCtrl-C writes a checkpoint and ends; --resume goes on from it.");
}

/** Runs a training and shows its progress; `options` are those that the shared flags settle. */
export async function showTraining(
  flags: TrainFlags,
  session: Session,
  run: (options: TrainOptions, progress: ProgressDisplay) => Promise<void>,
): Promise<void> {
  const options = sharedOptions(flags, await session.api());
  const follower = options.peer !== undefined && options.peer.rank > 0;
  const progress = createProgress(flags.quiet === true || follower, session.signal);
  // A step that is under way cannot be cut short everywhere, and the checkpoint must be written.
  session.waitForWork();
  try {
    const onFallback = sayOnce(progress);
    await run(
      { ...options, signal: session.signal, onProgress: progress.follow(flags.output), onFallback },
      progress,
    );
  } finally {
    progress.clear();
  }
}

function sharedOptions(flags: TrainFlags, { peerFromEnvironment }: Api): TrainOptions {
  const peer = peerFromEnvironment(process.env);
  if (peer && flags.processes !== undefined) {
    throw new UsageError(
      "--processes cannot be combined with a launcher (RANK and WORLD_SIZE are set).",
    );
  }
  const { output: folder, cache, from, steps, epochs, batch, microBatch } = flags;
  const { lr: learningRate, seed, resume, device, precision, threads } = flags;
  const { loaders, processes, nan } = flags;
  const amount = { steps, epochs, batch, microBatch, learningRate, seed };
  const machine = { device, precision, threads, loaders, processes };
  const reading = { nan, ...dicomOptions(flags) };
  return { folder, cache, from, ...reading, resume, peer, ...amount, ...machine };
}
