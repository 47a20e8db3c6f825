/** `medlsam demo`: the whole method on a made-up scan, with the models that come with the package. */
import type { Command } from "commander";
import { demoSeed } from "../demo/models.js";
import type { Demo } from "../demo/run.js";
import type { OrganEvaluation } from "../evaluate/result.js";
import { summarizeEvaluations } from "../evaluate/summary.js";
import type { Triple } from "../index.js";
import { parseInteger, quietOption, threadsOption } from "./options.js";
import { checkFolder, writeStdout } from "./output.js";
import { maxSeed, parseSpacing } from "./phantom.js";
import { createProgress } from "./progress.js";
import type { Session } from "./session.js";
import { formatSeconds, table } from "./text.js";

interface Flags {
  output: string;
  seed: number;
  spacing: Triple;
  threads: number;
  quiet?: boolean;
}

export function addDemo(program: Command, session: Session): void {
  program
    .command("demo")
    .description("see it work: organs of a synthetic CT, found and segmented with small models")
    .option("-o, --output <folder>", "for the scan, masks, a picture and a page", "medlsam-demo")
    .option("--seed <n>", "of the phantom", parseInteger(0, maxSeed), demoSeed)
    .option(
      "--spacing <mm>",
      "voxel size, or three along head-feet, front-back, left-right",
      parseSpacing,
      [3, 3, 3] satisfies Triple,
    )
    .addOption(threadsOption())
    .addOption(quietOption())
    .action((flags: Flags) => demonstrate(flags, session));
}

async function demonstrate(flags: Flags, session: Session): Promise<void> {
  const { output, seed, spacing, threads } = flags;
  checkFolder(output);
  const { signal } = session;
  const progress = createProgress(flags.quiet ?? false, signal);
  await session.api();
  const { runDemo } = await import("../demo/run.js");
  const onProgress = progress.follow("demo");
  let demo: Demo;
  try {
    demo = await runDemo({ folder: output, seed, spacing, threads, signal, onProgress });
  } finally {
    progress.clear();
  }
  await writeStdout(`${report(demo)}\n`);
}

/** The table, and where everything is. */
export function report({ about, note, evaluation, results, seconds }: Demo): string {
  const { average } = summarizeEvaluations([evaluation]);
  const figures = (iou: number | null, wd: number | null, dice: number | null) => [
    figure(iou, 2),
    figure(wd, 1),
    figure(dice, 2),
  ];
  const rows = Object.entries(evaluation.organs).map(([name, organ]) => [
    name,
    ...figures(organ.iou, organ.wd, organ.dice),
    verdict(organ),
  ]);
  const mean = figures(average.iou.mean, average.wd.mean, average.dice.mean);
  const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  const stages = Object.entries(seconds).map(
    ([stage, value]) => `${stage} ${formatSeconds(value)}`,
  );
  const without = about.missing.length === 0 ? "" : `, without ${about.missing.join(" and ")}`;
  return [
    `A synthetic CT: ${about.sex}, ${about.region}, contrast ${about.contrast}${without}.`,
    `${note}.`,
    "",
    table(["organ", "IoU", "WD mm", "Dice", ""], [...rows, ["mean", ...mean, ""]]),
    "",
    `${formatSeconds(total)}: ${stages.join(", ")}.`,
    `Masks, boxes and a picture: ${results}`,
  ].join("\n");
}

function figure(value: number | null, digits: number): string {
  return value === null ? "" : value.toFixed(digits);
}

const verdicts: Record<OrganEvaluation["outcome"], string> = {
  found: "",
  missed: "missed: it is there",
  "false positive": "false: it is not there",
  absent: "rightly absent",
};

function verdict({ outcome }: OrganEvaluation): string {
  return verdicts[outcome];
}
