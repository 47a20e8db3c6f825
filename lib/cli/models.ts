/** `medlsam models`: what is in a checkpoint. */

import type { Command } from "commander";
import type { Checkpoint } from "../index.js";
import { formatJson } from "../json.js";
import { jsonOption } from "./options.js";
import { writeStdout } from "./output.js";
import type { Session } from "./session.js";
import { facts, table } from "./text.js";

export function addModels(program: Command, session: Session): void {
  program
    .command("models")
    .description("look into network checkpoints")
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
