/**
 * Writes docs/reference/cli.md from what the compiled commands print for --help:
 *   node scripts/cli-reference.mjs           writes it (npm run docs:cli)
 *   node scripts/cli-reference.mjs --check   exits with 1 if the file is not what would be written
 * Run `npm run compile` first.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const file = `${root}docs/reference/cli.md`;
const run = promisify(execFile);

async function help(command) {
  const { stdout } = await run(process.execPath, [`${root}dist/cli/main.js`, ...command, "--help"]);
  const [text, exitCodes] = stdout.split(/\n(?=Exit codes:\n)/);
  return { text: text.trimEnd(), exitCodes: exitCodes.trimEnd() };
}

/** Names in a help text's list of commands ("template|templates" with an alias), without that of help itself. */
function subcommands(text) {
  const [, list = ""] = text.split("\nCommands:\n");
  return Array.from(list.matchAll(/^ {2}([^\s|]+)/gm), ([, name]) => name).filter(
    (name) => name !== "help",
  );
}

/** The commands below this one, each with its help, in the order of the help. */
async function sections(command) {
  const { text, exitCodes } = await help(command);
  const below = await Promise.all(subcommands(text).map((name) => sections([...command, name])));
  const title = ["medlsam", ...command].join(" ");
  return [{ title, text, exitCodes }, ...below.flat()];
}

const all = await sections([]);
const reference = [
  "# Commands",
  "",
  "What `--help` prints, written by `npm run docs:cli`; a test holds this page to the commands. [guide/cli.md](../guide/cli.md)",
  "explains what they have in common.",
  "",
  ...all.flatMap(({ title, text }) => [`## ${title}`, "", "```text", text, "```", ""]),
  "## Exit codes",
  "",
  "```text",
  all[0].exitCodes,
  "```",
  "",
].join("\n");

if (process.argv[2] === "--check") {
  if ((await readFile(file, "utf8")) !== reference) {
    console.error("docs/reference/cli.md is not what --help prints: run `npm run docs:cli`.");
    process.exitCode = 1;
  }
} else {
  await writeFile(file, reference);
}
