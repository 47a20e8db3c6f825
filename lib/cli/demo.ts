/** `medlsam demo`: the whole method on a made-up scan, with the models that come with the package. */
import type { Command } from "commander";
import type { Demo, DemoTable, Triple } from "../index.js";
import { deviceOption, parseSeed, parseSpacing, quietOption, threadsOption } from "./options.js";
import { checkFolder, writeStdout } from "./output.js";
import { createProgress, sayOnce } from "./progress.js";
import type { Session } from "./session.js";
import { formatSeconds, table } from "./text.js";

interface Flags {
  output: string;
  seed?: number;
  spacing: Triple;
  device: string;
  threads: number;
  quiet?: boolean;
}

export function addDemo(program: Command, session: Session): void {
  program
    .command("demo")
    .description("see it work: organs of a synthetic CT, found and segmented with small models")
    .option("-o, --output <folder>", "for the scan, masks, a picture and a page", "medlsam-demo")
    .option("--seed <n>", "seed of the phantom (default: one without a left kidney)", parseSeed)
    .option(
      "--spacing <mm>",
      "voxel size, or three along head-feet, front-back, left-right",
      parseSpacing,
      [3, 3, 3] satisfies Triple,
    )
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addOption(quietOption())
    .action((flags: Flags) => demonstrate(flags, session));
}

async function demonstrate(flags: Flags, session: Session): Promise<void> {
  const { output, seed, spacing, device, threads } = flags;
  checkFolder(output);
  const { signal } = session;
  const progress = createProgress(flags.quiet ?? false, signal);
  const { runDemo, demoTable } = await session.api();
  const onProgress = progress.follow("demo");
  let demo: Demo;
  try {
    const how = { device, threads, signal, onProgress, onFallback: sayOnce(progress) };
    demo = await runDemo({ folder: output, seed, spacing, ...how });
  } finally {
    progress.clear();
  }
  await writeStdout(`${report(demo, demoTable(demo))}\n`);
}

/** The table, and where everything is. */
function report(demo: Demo, { columns, rows, mean }: DemoTable): string {
  const { description, note, results, page, seconds } = demo;
  const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  const stages = Object.entries(seconds).map(
    ([stage, value]) => `${stage} ${formatSeconds(value)}`,
  );
  const lines = [...rows].map(([name, cells]) => [name, ...cells]);
  return [
    description,
    `${note}.`,
    "",
    table(["organ", ...columns], [...lines, ["mean", ...mean]]),
    "",
    `${formatSeconds(total)}: ${stages.join(", ")}.`,
    `Masks, boxes and a picture are in ${results}/.`,
    `Open ${page} in a browser to see them in the scan.`,
  ].join("\n");
}
