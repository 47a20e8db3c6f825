/**
 * Runtimes of networks: the package's own kernels, ONNX Runtime, which comes with the package, or libtorch through a plugin
 * that is built apart. A network's runtime and device are chosen here.
 */
import { env } from "node:process";
import { computeDefaults, precisionNames, runtimeNames } from "../base/compute.js";
import { UsageError } from "../base/errors.js";
import type { Precision, Runtime } from "./contract/index.js";
import { useCudaPlugin } from "./cuda-plugin.js";
import {
  cudaDriver,
  type GpuRuntime,
  gpuRuntimes,
  hasGpu,
  notThere,
  parseDevice,
} from "./devices.js";
import { native, onnxRuntimePath } from "./loader.js";
import { readyTorch } from "./torch-plugin.js";

/** Options of what loads a network. */
export interface RuntimeOptions {
  /**
   * "cpu": this package's own kernels, which need no library; on any processor, but fast with AVX2 or AVX-512 only. "onnx": ONNX
   * Runtime. "torch": libtorch, through the plugin that `npm run build:torch` builds. By default what {@link Info.defaultRuntime}
   * names on the CPU; on a GPU "torch", or "onnx" if that alone finds it.
   */
  runtime?: Runtime["name"];
  /**
   * Type that the network computes in: by default "float16" with the torch runtime on a GPU, else "float32". The torch runtime has all. The cpu
   * runtime has "bfloat16" where the processor has AVX-512 BF16: it rounds the factors of SAM's linear maps and attention, nearly all of its work,
   * and changes nothing of MedLAM. In "float32" it multiplies int8 weights of linear maps by inputs of 16 bits where the processor has AVX-512 VNNI.
   */
  precision?: Precision;
  /**
   * "auto" (default): a GPU if there is one that a runtime can use, else the CPU. "cpu". "cuda": the first GPU; "cuda:N": that one; a GPU that is
   * not there is a {@link UsageError}. "gpu" may be written for "cuda".
   */
  device?: string;
  /** "cpu": what a GPU cannot do, because it is not there, is lost or fails, is done on the CPU instead. */
  fallback?: "cpu";
  /** Number of this process among those that work beside each other: of several GPUs, "auto" and "cuda" take this one, counted around. */
  part?: number;
  /** Called with the reason if the CPU computes, or does what the CUDA plugin would do, although a GPU is there or was asked for. */
  onFallback?: (reason: string) => void;
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

/** A runtime that was found and, for torch, tried. */
export interface ChosenRuntime {
  runtime: Runtime;
  /** Why the CPU computes although a GPU is there or was asked for; "" where that is not so. */
  fallback: string;
}

/**
 * The runtime and the device that is asked for.
 * @throws UsageError for what the runtime cannot do, and for a GPU that is not there, with all that was tried;
 * UnavailableError `RUNTIME_UNAVAILABLE` saying what to install.
 */
export async function findRuntime(options: RuntimeOptions): Promise<ChosenRuntime> {
  const { runtime: name, precision, device = computeDefaults.device, fallback } = options;
  requireName("runtime", name, runtimeNames);
  requireName("precision", precision, precisionNames);
  requireName("fallback", fallback, ["cpu"]);
  const wanted = parseDevice(device);
  if (wanted === "cpu") return { runtime: await onCpu(name, precision), fallback: "" };
  if (name === "cpu") {
    if (wanted === "auto") return { runtime: await onCpu(name, precision), fallback: "" };
    throw new UsageError(
      `The cpu runtime computes on the CPU, not on ${wanted}: the onnx and torch ones know GPUs.`,
    );
  }
  const driver = await cudaDriver();
  // A machine without a GPU has nothing to fall back from, and must not pay for trying runtimes.
  if (wanted === "auto" && !hasGpu(driver)) {
    return { runtime: await onCpu(name, precision), fallback: "" };
  }
  const found = await gpuRuntimes(driver, { name, wanted, part: options.part ?? 0 });
  if ("device" in found) {
    const runtime = await onGpu(found, precision);
    // ONNX Runtime takes patches and pictures from the host, and leaves its results there.
    const besides = found.name === "torch" ? await useCudaPlugin(found.device) : "";
    if (besides !== "") options.onFallback?.(besides);
    return { runtime, fallback: "" };
  }
  if (wanted !== "auto" && fallback === undefined) {
    throw new UsageError(notThere(wanted, found.tried));
  }
  const reason = `no GPU is used, the CPU computes: ${found.tried.join("; ")}`;
  options.onFallback?.(reason);
  return { runtime: await onCpu(name, precision), fallback: reason };
}

function requireName(option: string, value: string | undefined, names: readonly string[]): void {
  if (value === undefined || names.includes(value)) return;
  throw new UsageError(`${option} must be one of ${names.join(", ")}, not "${value}".`);
}

async function onGpu({ name, device }: GpuRuntime, precision?: Precision): Promise<Runtime> {
  if (name === "torch") {
    return { name, library: await readyTorch(), device, precision: precision ?? "float16" };
  }
  return { name, library: onnxRuntimePath(), device, precision: onlyFloat32(name, precision) };
}

async function onCpu(
  name: Runtime["name"] = defaultRuntime().name,
  precision: Precision = computeDefaults.precision,
): Promise<Runtime> {
  const device = "cpu";
  if (name === "torch") return { name, library: await readyTorch(), device, precision };
  if (name === "cpu" && precision !== "float16") return { name, library: "", device, precision };
  if (name === "cpu") onlyFloat32(name, precision);
  return {
    name: "onnx",
    library: onnxRuntimePath(),
    device,
    precision: onlyFloat32(name, precision),
  };
}

function onlyFloat32(name: Runtime["name"], precision: Precision = "float32"): "float32" {
  if (precision === "float32") return precision;
  const own = name === "cpu" ? "float32 or bfloat16" : "float32";
  throw new UsageError(`The ${name} runtime computes in ${own}; ${precision} needs the torch one.`);
}
