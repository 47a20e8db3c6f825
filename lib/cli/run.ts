/** `medlsam run`: the published code's evaluation, from its own configs. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { writeWhole } from "../formats/files.js";
import { describeError, exitCodeOf, exitCodes } from "./exit-codes.js";
import {
  deviceOption,
  parseInteger,
  quietOption,
  type RuntimeName,
  runtimeOption,
  threadsOption,
} from "./options.js";
import { writeStdout } from "./output.js";
import { createProgress } from "./progress.js";
import type { Session } from "./session.js";

interface Flags {
  output: string;
  seed?: number;
  runtime: RuntimeName;
  device: string;
  threads: number;
  quiet?: boolean;
}

export function addRun(program: Command, session: Session): void {
  program
    .command("run")
    .description("evaluate as the published code does, from one of its configs, unchanged")
    .argument("<config>", "ini file of the published MedLSAM code")
    .option("-o, --output <folder>", "the result/ folder goes here", ".")
    .option(
      "--seed <n>",
      "seed of the random query centres (default: 0)",
      parseInteger(0, 2 ** 32 - 1),
    )
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addOption(quietOption())
    .addHelpText(
      "after",
      "\nWrites result/{iou,wd,dsc,hd95}/ as text and result/json/, and where the config says so masks and PNGs.",
    )
    .action(async (config: string, flags: Flags) => {
      session.exitCode = await run(config, flags, session);
    });
}

async function run(path: string, flags: Flags, session: Session): Promise<number> {
  const { signal } = session;
  const progress = createProgress(flags.quiet ?? false, signal);
  await session.api(); // so that a missing addon is told as such
  const { readPublishedConfig } = await import("../paper/config.js");
  const { runPublished } = await import("../paper/run.js");
  const config = await readPublishedConfig(path);
  const { runtime, device, seed, threads } = flags;
  const codes: number[] = [];
  const follow = progress.follow(path);
  const files = await runPublished(path, config, {
    ...{ runtime, device, seed, threads, signal },
    onProgress: follow,
    onNote: (note) => progress.say(note),
    onCase(image, error) {
      progress.clear();
      if (error === undefined) return progress.say(`${image}: done`);
      process.stderr.write(`${describeError(error, image)}\n`);
      codes.push(exitCodeOf(error));
    },
  });
  if (codes.length === config.queryImages.length) return codes[0] ?? exitCodes.done;
  for (const { path: file, text } of files) {
    const target = join(flags.output, file);
    mkdirSync(dirname(target), { recursive: true });
    writeWhole(target, text);
    if (!file.startsWith("result/json/")) await writeStdout(text);
  }
  return codes.length > 0 ? exitCodes.someFailed : exitCodes.done;
}
