/** `medlsam models`: the sets of models that come along, and what is in a checkpoint. */

import { type Command, Option } from "commander";
import { InputError, UsageError } from "../base/errors.js";
import { formatJson } from "../formats/json.js";
import type { Checkpoint } from "../index.js";
import { checkModelFiles, type ModelFile, modelSets } from "../models/model-sets.js";
import { jsonOption } from "./options.js";
import { checkWritable, writeStdout } from "./output.js";
import type { Session } from "./session.js";
import { facts, table } from "./text.js";

interface ConvertFlags {
  output: string;
  float16?: boolean;
  int8?: boolean;
  note?: string;
  maskCenters?: boolean;
}

export function addModels(program: Command, session: Session): void {
  const models = program
    .command("models")
    .description("list the models that come along; inspect and convert network checkpoints");
  models
    .command("list")
    .description("the sets of models that --models chooses from")
    .addOption(jsonOption())
    .action((flags: { json?: boolean }) => list(flags, session));
  models
    .command("inspect")
    .description("list the tensors of a checkpoint")
    .argument("<file>", "checkpoint: .pth, .tar or .safetensors")
    .addOption(jsonOption())
    .action(async (file: string, flags: { json?: boolean }) => {
      const { Checkpoint } = await session.api();
      const checkpoint = await Checkpoint.open(file, { signal: session.signal });
      const text = flags.json ? formatJson(describe(checkpoint)) : readable(checkpoint);
      await writeStdout(`${text}\n`);
    });
  models
    .command("convert")
    .description("write a checkpoint as safetensors")
    .argument("<file>", "checkpoint: .pth, .tar or .safetensors")
    .requiredOption("-o, --output <file>", "the .safetensors file")
    .option("--float16", "floating-point tensors as float16: half the size")
    .addOption(
      new Option(
        "--int8",
        "large tensors as int8, the others as float16: a quarter of the size",
      ).conflicts("float16"),
    )
    .option("--note <text>", "warning that all results of these weights carry")
    .option(
      "--mask-centers",
      "of a SAM: its masks are those of the pixels' middles, which `train sam` writes into its files itself; otherwise they are read half a pixel before, as published",
    )
    .action((file: string, flags: ConvertFlags) => convert(file, flags, session));
}

async function list(flags: { json?: boolean }, { signal }: Session): Promise<void> {
  const sets = modelSets();
  if (flags.json) return writeStdout(`${formatJson(sets)}\n`);
  const texts = await Promise.all(
    sets.map(async ({ name, purpose, organs, license, citation, note, files }) =>
      facts([
        ["name", name],
        ["purpose", purpose],
        ["organs", organs.join(", ")],
        ["license", license],
        ["cite", citation],
        ["note", note],
        ...Object.entries(files).map((entry): [string, string] => entry),
        ["state", await stateOf(name, Object.keys(files) as ModelFile[], signal)],
      ]),
    ),
  );
  await writeStdout(texts.map((text) => `${text}\n`).join("\n"));
}

/** Whether the files are what was shipped. */
async function stateOf(name: string, files: ModelFile[], signal: AbortSignal): Promise<string> {
  try {
    await checkModelFiles(name, files, { signal });
    return "complete";
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

async function convert(file: string, flags: ConvertFlags, session: Session): Promise<void> {
  const { output, float16, int8, note, maskCenters } = flags;
  if (!output.endsWith(".safetensors")) {
    throw new UsageError(`${output}: checkpoints are written as FILE.safetensors.`);
  }
  checkWritable(output, [file]);
  const { signal } = session;
  const { Checkpoint } = await session.api();
  const checkpoint = await Checkpoint.open(file, { signal });
  if (maskCenters && checkpoint.looksLike !== "SAM")
    throw new UsageError(`--mask-centers: ${file} is no SAM, but ${checkpoint.looksLike}.`);
  const metadata = {
    ...(note !== undefined && { note }),
    ...(maskCenters && { mask_sampling: "centers" }),
  };
  await checkpoint.write(output, { float16, int8, metadata, signal });
}

function describe({ path, format, looksLike, parameters, metadata, tensors }: Checkpoint) {
  return { path, format, looksLike, parameters, metadata, tensors };
}

function readable({ path, format, looksLike, parameters, metadata, tensors }: Checkpoint): string {
  const head = facts([
    ["file", path],
    ["format", format],
    ["looks like", looksLike],
    ["tensors", `${tensors.length}, of ${parameters.toLocaleString("en")} numbers`],
    ...Object.entries(metadata),
  ]);
  const rows = tensors.map(({ name, dtype, shape }) => [
    name,
    dtype,
    shape.length === 0 ? "scalar" : shape.join(" × "),
  ]);
  return `${head}\n\n${table(["tensor", "type", "shape"], rows)}`;
}
