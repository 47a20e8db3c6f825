/**
 * Runtimes of networks: the package's own kernels, ONNX Runtime, which comes with the package, or libtorch through a plugin
 * that is built apart.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { computeDefaults, precisionNames, runtimeNames } from "../base/compute.js";
import { UnavailableError, UsageError } from "../base/errors.js";
import { callSync } from "./call.js";
import type { Precision, Runtime, TorchInfo } from "./contract/index.js";
import { addonModule, native, onnxRuntimePath, root } from "./loader.js";

/** Options of what loads a network. */
export interface RuntimeOptions {
  /**
   * "cpu": this package's own kernels, which need no library; on any processor, but fast with AVX2 or AVX-512 only. "onnx": ONNX
   * Runtime. "torch": libtorch, through the plugin that `npm run build:torch` builds. By default what {@link Info.defaultRuntime}
   * names on the CPU, and "onnx" on a GPU.
   */
  runtime?: Runtime["name"];
  /**
   * Type that the network computes in; "float32" by default. The torch runtime has the others. The cpu runtime has "bfloat16" where the
   * processor has AVX-512 BF16: it rounds the factors of SAM's linear maps and attention, nearly all of its work, and changes nothing of MedLAM.
   */
  precision?: Precision;
  /**
   * "cpu" (default), "cuda" or "cuda:N", as {@link parseDevice} takes it. Where ONNX Runtime has no CUDA (the npm package's is a download of its own) the
   * CPU is used, and the network's `fallback` says so; the torch runtime fails instead, and the cpu runtime refuses.
   */
  device?: string;
}

/** Runtime of networks on the CPU where none is asked for, and the reason. */
export interface DefaultRuntime {
  name: Runtime["name"];
  /** As "this processor has no AVX2". */
  reason: string;
}

export function defaultRuntime(): DefaultRuntime {
  const simd = native.simdLevel();
  if (simd !== "avx2" && simd !== "avx512") {
    const why = env.MEDLSAM_SIMD
      ? `MEDLSAM_SIMD=${env.MEDLSAM_SIMD} leaves out AVX2`
      : "this processor has no AVX2";
    return { name: "onnx", reason: why };
  }
  return { name: "cpu", reason: `this processor has ${simd === "avx2" ? "AVX2" : "AVX-512"}` };
}

/**
 * The runtime that is asked for, found and, for torch, tried.
 * @throws UsageError for what the runtime cannot do; UnavailableError `RUNTIME_UNAVAILABLE` saying what to install.
 */
export async function findRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { precision = computeDefaults.precision, device = computeDefaults.device } = options;
  const where = parseDevice(device);
  const { runtime = where === "cpu" ? defaultRuntime().name : "onnx" } = options;
  if (!runtimeNames.includes(runtime)) {
    throw new UsageError(`runtime must be one of ${runtimeNames.join(", ")}, not "${runtime}".`);
  }
  if (!precisionNames.includes(precision)) {
    throw new UsageError(
      `precision must be one of ${precisionNames.join(", ")}, not "${precision}".`,
    );
  }
  if (runtime === "torch") {
    return { name: "torch", library: await readyTorch(), device: where, precision };
  }
  if (runtime === "cpu" && precision !== "float16") {
    return { name: "cpu", library: "", device: where, precision };
  }
  if (precision !== "float32") {
    const own = runtime === "cpu" ? "float32 or bfloat16" : "float32";
    throw new UsageError(
      `The ${runtime} runtime computes in ${own}; ${precision} needs the torch one.`,
    );
  }
  return { name: "onnx", library: onnxRuntimePath(), device: where, precision };
}

/**
 * The name of a device: "cpu", "cuda" or "cuda:N", for which "gpu" and "gpu:N" may be written. The addon parses it, for
 * every function and command alike.
 * @throws UsageError for anything else.
 */
export function parseDevice(text: string): string {
  return callSync(() => native.parseDevice(String(text)));
}

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
