/** Runs the compiled `medlsam` command as a shell would. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const root = path("../../");
const main = path("../../dist/cli/main.js");
const index = path("../../dist/index.js");

/** A copy of the package in `folder`, without its models: a test may take files away from it. Gives the command's module. */
export function copyPackage(folder: string): string {
  for (const part of ["dist", "lib/viewer/assets", "package.json"]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  for (const part of ["node_modules", "build", "prebuilds"]) {
    if (existsSync(join(root, part))) symlinkSync(join(root, part), join(folder, part));
  }
  return join(folder, "dist/cli/main.js");
}

/** Conformance inputs. */
export const data = (name: string) => path(`../conformance/data/${name}`);
export const medlam = data("medlam/medlam.pth");
export const scan = data("ct/q.nii.gz");
export const supports = [
  ...[data("ct/a.nii.gz"), data("ct/b.nii.gz")],
  ...["--labels", data("ct/a_label.nii.gz"), data("ct/b_label.nii.gz")],
];

/** A template file of one organ from one scan, made in little time. */
export function buildSmall(output: string): string[] {
  const [images, labels] = [data("ct/a.nii.gz"), data("ct/a_label.nii.gz")];
  const from = [images, "--labels", labels, "--classes", "1"];
  return ["template", "build", ...from, "--medlam", medlam, "-o", output];
}

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A running command, for tests that send signals. */
export interface Running {
  process: ChildProcess;
  done: Promise<Outcome>;
  /** Settles when standard error holds the text. */
  says(text: string): Promise<void>;
}

/** Only to end a command that hangs. */
const timeout = 600_000;

export function start(
  args: string[],
  stdout: "pipe" | number = "pipe",
  command: string = main,
): Running {
  return follow(
    spawn(process.execPath, [command, ...args], { stdio: ["ignore", stdout, "pipe"], timeout }),
  );
}

/** A command with more in its environment. */
export function startWithin(environment: Record<string, string>, args: string[]): Running {
  const env = { ...process.env, ...environment };
  const stdio = ["ignore", "pipe", "pipe"] as const;
  return follow(spawn(process.execPath, [main, ...args], { stdio: [...stdio], env, timeout }));
}

/** A module's text, with the compiled package as `medlsam`. */
export function startModule(environment: Record<string, string>, text: string): Running {
  const env = { ...process.env, ...environment };
  const whole = `import * as medlsam from ${JSON.stringify(index)};\n${text}`;
  const args = ["--input-type=module", "-e", whole];
  return follow(spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env, timeout }));
}

/** A command whose files cannot grow beyond so many blocks of 512 bytes. */
export function startLimited(blocks: number, args: string[]): Running {
  const shell = [`ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, main, ...args];
  return follow(spawn("/bin/sh", ["-c", ...shell], { stdio: ["ignore", "pipe", "pipe"], timeout }));
}

function follow(child: ChildProcess): Running {
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    outcome.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    outcome.stderr += text;
  });
  const done = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(Object.assign(outcome, { code })));
  });
  const says = async (text: string) => {
    const ended = done.then(({ stderr }) => {
      if (!stderr.includes(text)) throw new Error(`ended without saying "${text}":\n${stderr}`);
    });
    while (!outcome.stderr.includes(text)) {
      await Promise.race([ended, new Promise((tick) => setTimeout(tick, 5))]);
    }
  };
  return { process: child, done, says };
}

export function run(...args: string[]): Promise<Outcome> {
  return start(args).done;
}

/** Runs a command that must succeed. */
export async function succeed(...args: string[]): Promise<Outcome> {
  const outcome = await run(...args);
  if (outcome.code !== 0)
    throw new Error(`medlsam ${args.join(" ")}: ${outcome.code}\n${outcome.stderr}`);
  return outcome;
}

/** One line on standard error that says all of `told`, nothing on standard output, and this exit code. */
export function expectRefusal(
  { code, stdout, stderr }: Outcome,
  wanted: number,
  ...told: (string | RegExp)[]
): void {
  expect({ code, stdout }, stderr).toEqual({ code: wanted, stdout: "" });
  expect(stderr).toMatch(/^medlsam: .*\n$/);
  for (const part of told) expect(stderr).toMatch(part);
}
