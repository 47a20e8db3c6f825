/** What `medlsam train` does alike for all networks. */
import { type Command, Option } from "commander";
import { makeFolder } from "../formats/files.js";
import { deviceOption, parseInteger, quietOption, threadsOption } from "./options.js";
import { createProgress, type ProgressDisplay } from "./progress.js";
import type { Session } from "./session.js";

/** The options of every network's training. */
export interface TrainFlags {
  images: string;
  output: string;
  cache?: string;
  steps: number;
  epochs: number;
  batch: number;
  microBatch?: number;
  seed: number;
  lr: number;
  resume?: boolean;
  device: string;
  precision: "float32" | "bfloat16";
  threads: number;
  loaders: number;
  quiet?: boolean;
}

export function addTrainOptions(command: Command): Command {
  return command
    .requiredOption("-o, --output <folder>", "where model, checkpoint and learning curve go")
    .option("--cache <folder>", "where prepared scans are kept (default: OUTPUT/scans)")
    .option("--seed <n>", "seed of all random numbers", parseInteger(0, 2 ** 32 - 1), 0)
    .option("--resume", "go on from the checkpoint in the output folder")
    .addOption(deviceOption())
    .addOption(
      new Option("--precision <name>", "what the network computes in")
        .choices(["float32", "bfloat16"])
        .default("float32"),
    )
    .option(
      "--micro-batch <n>",
      "of a step, how many are computed at once (1 on a CPU, all on a GPU)",
      parseInteger(1, 1024),
    )
    .addOption(threadsOption())
    .option(
      "--loaders <n>",
      "threads that make batches; 0: made between the steps",
      parseInteger(0, 256),
      1,
    )
    .addOption(quietOption())
    .addHelpText("after", "\nCtrl-C writes a checkpoint and ends; --resume goes on from it.");
}

/** Runs a training with its output folder made and its progress shown. */
export async function showTraining(
  { output, quiet = false }: TrainFlags,
  session: Session,
  run: (progress: ProgressDisplay) => Promise<void>,
): Promise<void> {
  const progress = createProgress(quiet, session.signal);
  // A step that is under way cannot be cut short everywhere, and the checkpoint must be written.
  session.waitForWork();
  makeFolder(output);
  try {
    await run(progress);
  } finally {
    progress.clear();
  }
}
