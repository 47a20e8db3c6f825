/** `medlsam template`: make a template file from annotated scans, and look into one. */

import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { secondsSince } from "../base/time.js";
import { formatJson } from "../formats/json.js";
import type { Conventions, Strategy, Support, Templates } from "../index.js";
import {
  addScans,
  conventionsOption,
  deviceOption,
  givenScans,
  jsonOption,
  modelOption,
  namesOption,
  nanOption,
  normalizedOption,
  parseInteger,
  parseLabels,
  quietOption,
  type RuntimeName,
  runtimeOption,
  strategies,
  surveyOption,
  threadsOption,
} from "./options.js";
import { checkWritable, writeStdout } from "./output.js";
import { createProgress } from "./progress.js";
import type { Api, Session } from "./session.js";
import { count, facts, formatBytes, formatSeconds, table } from "./text.js";

interface BuildFlags {
  /** The scans' former spelling. */
  images?: string[];
  labels?: string[];
  extremePoints?: string[];
  medlam: string;
  runtime?: RuntimeName;
  device: string;
  classes?: number[];
  names?: string;
  strategy?: Strategy;
  sliceInterval?: number;
  survey?: boolean;
  conventions: Conventions;
  normalized?: boolean;
  nan?: number;
  threads: number;
  output: string;
  quiet?: boolean;
}

export function addTemplate(program: Command, session: Session): void {
  const template = program
    .command("template")
    .description("make a template file, or look into one");
  addScans(template.command("build"))
    .description("make a template file from annotated scans")
    .option("--labels <path...>", "their label maps, in the same order; folders and lists too")
    .option(
      "--extreme-points <file...>",
      "or six extreme points per organ: 3D Slicer .mrk.json or plain JSON",
    )
    .addOption(modelOption("medlam").makeOptionMandatory())
    .addOption(runtimeOption())
    .addOption(deviceOption())
    .option("--classes <list>", "only these labels: 1,2", parseLabels)
    .addOption(namesOption())
    .addOption(
      new Option(
        "--strategy <name>",
        'one box per organ (wpl) or one per part of it (spl); default: "wpl", or what extreme points are given for',
      ).choices(strategies),
    )
    .option(
      "--slice-interval <n>",
      "spl: grid slices per part, at least (default: 2)",
      parseInteger(1, 1000),
    )
    .addOption(surveyOption())
    .addOption(conventionsOption())
    .addOption(normalizedOption())
    .addOption(nanOption())
    .addOption(threadsOption())
    .requiredOption("-o, --output <file>", "the template file to write (.safetensors)")
    .addOption(quietOption())
    .action((inputs: string[], flags: BuildFlags) => build(inputs, flags, session));
  const inspecting = (name: string, hidden: boolean) =>
    template
      .command(name, { hidden })
      .description("list the content of a template file")
      .argument("<file>", "template file")
      .addOption(jsonOption())
      .action((file: string, flags: { json?: boolean }) => inspect(file, flags, session));
  inspecting("inspect", false);
  // The command's first name.
  inspecting("show", true);
}

async function build(inputs: string[], flags: BuildFlags, session: Session): Promise<void> {
  const { runtime, device, threads, normalized, output, strategy, sliceInterval, conventions } =
    flags;
  const { survey, classes, nan } = flags;
  if (sliceInterval !== undefined && strategy !== "spl") {
    throw new UsageError("--slice-interval needs --strategy spl: only it cuts organs into parts.");
  }
  const scans = givenScans(inputs, flags);
  if ((flags.labels === undefined) === (flags.extremePoints === undefined)) {
    throw new UsageError("Give either --labels or --extreme-points, one file for each image.");
  }
  const started = performance.now();
  const progress = createProgress(flags.quiet ?? false, session.signal);
  const { signal } = session;
  const api = await session.api();
  const pairs = await pairUp(scans, flags, api);
  const files = pairs.flatMap(({ image, annotation }) => [image, annotation]);
  checkWritable(output, [...files, flags.medlam]);
  const supports = await supportsOf(pairs, flags, api);
  const names = flags.names === undefined ? undefined : await api.readLabelNames(flags.names);
  const medlam = await api.MedLam.load(flags.medlam, { runtime, device, threads, signal });
  try {
    const templates = await api.buildTemplates({
      medlam,
      supports,
      strategy,
      sliceInterval,
      survey,
      conventions,
      classes,
      names,
      normalized,
      nan,
      threads,
      signal,
      onProgress: progress.follow(output),
    });
    await templates.save(output, { signal });
    const organs = count(templates.organs.length, "organ");
    const from = count(templates.supports.length, "support");
    const seconds = formatSeconds(secondsSince(started));
    progress.say(
      `${output}: ${organs} from ${from}, ${count(templates.points, "point")}, ${seconds}`,
    );
  } finally {
    progress.clear();
  }
}

interface Pair {
  image: string;
  /** A label map, or a file of extreme points. */
  annotation: string;
}

/** @throws UsageError unless there is an annotation for each image. */
async function pairUp(
  scans: string[],
  { labels, extremePoints = [] }: BuildFlags,
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

function supportsOf(pairs: Pair[], { labels }: BuildFlags, api: Api): Promise<Support[]> {
  return Promise.all(
    pairs.map(async ({ image, annotation }) =>
      labels === undefined
        ? { image, extremePoints: await api.readExtremePoints(annotation) }
        : { image, labels: annotation },
    ),
  );
}

async function inspect(file: string, flags: { json?: boolean }, session: Session): Promise<void> {
  const api = await session.api();
  const templates = await api.Templates.open(file, { signal: session.signal });
  const { size } = statSync(file);
  const text = flags.json ? formatJson(describe(templates, size)) : readable(templates, size);
  await writeStdout(`${text}\n`);
}

function describe(templates: Templates, bytes: number) {
  const { path, strategy, sliceInterval, conventions, width, patch, fingerprint } = templates;
  const { supports, points, organs } = templates;
  const network = { width, patch, fingerprint, note: templates.note };
  const how = { strategy, sliceInterval, conventions, survey: templates.survey ?? false };
  return { path, bytes, ...how, network, supports, points, organs };
}

function readable(templates: Templates, bytes: number): string {
  const { path, conventions, width, patch, fingerprint, supports, points } = templates;
  const head = facts([
    ["file", `${path} (${formatBytes(bytes)})`],
    ["strategy", strategyInWords(templates)],
    ["conventions", conventions],
    [
      "positions",
      templates.survey ? "from a survey of each support" : "from each point's own patch",
    ],
    ["network", `MedLAM of base width ${width}, patches of ${patch}³, fingerprint ${fingerprint}`],
    ["supports", supports.join(", ")],
    ["points", String(points)],
    ...(templates.note === undefined ? [] : [["note", templates.note] as [string, string]]),
  ]);
  const rows = templates.organs.map((organ) => [
    organ.name,
    String(organ.label),
    String(organ.parts),
    String(organ.supports),
    organ.agreement === null ? "" : organ.agreement.toFixed(3),
  ]);
  return `${head}\n\n${table(["organ", "label", "parts", "supports", "agreement"], rows)}`;
}

function strategyInWords({ strategy, sliceInterval }: Templates): string {
  if (strategy === "wpl") return "wpl (Whole-Patch Localization)";
  const cut =
    sliceInterval === null ? "" : `, parts of ${count(sliceInterval, "grid slice")} or more`;
  return `spl (Sub-Patch Localization${cut})`;
}
