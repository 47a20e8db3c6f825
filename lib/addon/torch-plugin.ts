/** The torch plugin: where it is, and whether it can be loaded. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { UnavailableError } from "../base/errors.js";
import type { TorchInfo } from "./contract/index.js";
import { addonModule, root } from "./loader.js";

/**
 * The torch plugin to load: what the environment variable MEDLSAM_TORCH names, else build-torch/medlsam_torch.so of
 * the package.
 * @throws UnavailableError if there is none.
 */
export function torchPluginPath(): string {
  const path = env.MEDLSAM_TORCH || join(root, "build-torch/medlsam_torch.so");
  if (existsSync(path)) return path;
  throw new UnavailableError(
    "RUNTIME_UNAVAILABLE",
    `The torch plugin was not found.\n  tried MEDLSAM_TORCH: ${env.MEDLSAM_TORCH || "not set"}\n  tried ${path}: no such file\n` +
      `Build it with \`npm run build:torch\` in ${root} (it needs CMake, a C++20 compiler, and libtorch or Python's torch).`,
  );
}

const probes = new Map<string, Promise<TorchInfo>>();

/**
 * Loads the plugin in a process of its own, once for each path: a libtorch built for another processor, or a damaged
 * one, ends the process that loads it.
 */
export function probeTorch(path: string): Promise<TorchInfo> {
  const known = probes.get(path);
  if (known) return known;
  const probe = probeOnce(path);
  probes.set(path, probe);
  // A library that was missing may be there the next time.
  probe.catch(() => probes.delete(path));
  return probe;
}

const probeScript = `
const [module, root, plugin] = process.argv.slice(1);
require(module)(root).torchInfo(plugin, { threads: 1 }).then(
  (info) => console.log(JSON.stringify({ info })),
  (error) => console.log(JSON.stringify({ error: error.message })),
);`;

async function probeOnce(path: string): Promise<TorchInfo> {
  const child = spawn(execPath, ["-e", probeScript, addonModule, root, path], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = await new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const answer = parse(stdout);
  if (answer.info) return answer.info;
  const why =
    answer.error ??
    `The torch plugin at ${path} could not be tried: a process that loads it ended with ${ended}.` +
      ` ${stderr.trim().split("\n").at(-1) ?? ""} Build it anew with \`npm run build:torch\`.`;
  throw new UnavailableError("RUNTIME_UNAVAILABLE", why);
}

/** The plugin's path, ready to be loaded into this process. */
export async function readyTorch(): Promise<string> {
  const library = torchPluginPath();
  await probeTorch(library);
  // OpenMP reads this when libtorch is loaded. Its threads otherwise wait by spinning: where another process or a
  // virtual machine beside this one wants the core, small operations then take 50 times as long.
  env.OMP_WAIT_POLICY ??= "passive";
  return library;
}

function parse(text: string): { info?: TorchInfo; error?: string } {
  try {
    return JSON.parse(text) as { info?: TorchInfo; error?: string };
  } catch {
    return {};
  }
}
