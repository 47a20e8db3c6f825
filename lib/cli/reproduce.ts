/** `medlsam reproduce`: the published code's evaluation, from its own configs. */
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { makeFolder, writeWhole } from "../formats/files.js";
import type { QueryCase } from "../index.js";
import { followCases, showEvents } from "./follow.js";
import {
  deviceOption,
  quietOption,
  type RuntimeName,
  runtimeOption,
  seedOption,
  threadsOption,
} from "./options.js";
import { checkFolder, writeStdout } from "./output.js";
import { createProgress, sayOnce } from "./progress.js";
import type { Session } from "./session.js";

interface Flags {
  output: string;
  seed?: number;
  runtime?: RuntimeName;
  device: string;
  threads: number;
  quiet?: boolean;
}

export function addReproduce(program: Command, session: Session): void {
  const command = (name: string, hidden: boolean) =>
    program
      .command(name, { hidden })
      .description("run the published code's evaluation from one of its configs")
      .argument("<config>", "ini file of the published MedLSAM code")
      .addOption(new Option("-o, --output <folder>", "the result/ folder goes here").default("."))
      .addOption(seedOption())
      .addOption(runtimeOption())
      .addOption(deviceOption())
      .addOption(threadsOption())
      .addOption(quietOption())
      .addHelpText(
        "after",
        "\nWrites result/{iou,wd,dsc,hd95}/ as text, result/json/, and masks and PNGs if the config asks for them.",
      )
      .action(async (config: string, flags: Flags) => {
        session.exitCode = await reproduce(config, flags, session);
      });
  command("reproduce", false);
  // The command's first name.
  command("run", true);
}

async function reproduce(path: string, flags: Flags, session: Session): Promise<number> {
  const { signal } = session;
  const { output, runtime, device, seed, threads, quiet = false } = flags;
  const { PublishedRun, readPublishedConfig } = await session.api();
  const config = await readPublishedConfig(path);
  checkFolder(output);
  const progress = createProgress(quiet, signal);
  const subject = ({ image }: QueryCase) => image;
  const follow = progress.follow(path);
  const how = { runtime, device, seed, threads, signal, onFallback: sayOnce(progress) };
  const run = await PublishedRun.prepare(path, config, { ...how, onProgress: follow });
  try {
    const outcomes = run.cases({ signal, onEvent: showEvents(progress, subject) });
    const done = (_: unknown, { image }: QueryCase) => `${image}: done`;
    const exitCode = await followCases(outcomes, { progress, subject, done });
    for (const { path: file, text } of run.files()) {
      const target = join(output, file);
      makeFolder(dirname(target));
      writeWhole(target, text);
      if (!file.startsWith("result/json/")) await writeStdout(text);
    }
    return exitCode;
  } finally {
    run.close();
  }
}
