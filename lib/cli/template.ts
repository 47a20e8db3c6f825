/** `medlsam template`: make a template file from annotated scans, add to one, and look into one. */

import { statSync } from "node:fs";
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import { formatJson } from "../formats/json.js";
import type { Conventions, Strategy, Templates } from "../index.js";
import { type AnnotatedFlags, addAnnotated, addMaking, makeOfAnnotated } from "./annotated.js";
import {
  conventionsOption,
  jsonOption,
  minEvidenceOption,
  parseInteger,
  strategies,
  surveyOption,
} from "./options.js";
import { writeStdout } from "./output.js";
import type { Session } from "./session.js";
import { addTemplateExtending } from "./template-extend.js";
import { count, facts, formatBytes, table } from "./text.js";

interface BuildFlags extends AnnotatedFlags {
  strategy?: Strategy;
  sliceInterval?: number;
  survey?: boolean;
  minEvidence?: number;
  conventions: Conventions;
  output: string;
}

export function addTemplate(program: Command, session: Session): void {
  const template = program
    .command("template")
    .alias("templates")
    .description("make template files, add to them, or look into one");
  const building = addAnnotated(template.command("build"))
    .description("make a template file from annotated scans")
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
    .addOption(minEvidenceOption())
    .addOption(conventionsOption());
  addMaking(building)
    .requiredOption("-o, --output <file>", "the template file to write (.safetensors)")
    .action((inputs: string[], flags: BuildFlags) => build(inputs, flags, session));
  addTemplateExtending(template, session);
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
  const { output, strategy, sliceInterval, conventions, survey, minEvidence } = flags;
  if (sliceInterval !== undefined && strategy !== "spl") {
    throw new UsageError("--slice-interval needs --strategy spl: only it cuts organs into parts.");
  }
  await makeOfAnnotated(inputs, flags, output, session, (options, api) =>
    api.buildTemplates({ ...options, strategy, sliceInterval, survey, minEvidence, conventions }),
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
  const { supports, points, kernels, organs } = templates;
  const network = { width, patch, fingerprint, note: templates.note };
  const { survey = false, minEvidence = null } = templates;
  const how = { strategy, sliceInterval, conventions, survey, minEvidence };
  return { path, bytes, ...how, network, supports, points, kernels, organs };
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
    ...(templates.minEvidence === undefined
      ? []
      : [["least evidence", String(templates.minEvidence)] as [string, string]]),
    ["network", `MedLAM of base width ${width}, patches of ${patch}³, fingerprint ${fingerprint}`],
    ["supports", supports.join(", ")],
    ["points", `${points}, kernels as ${templates.kernels}`],
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
