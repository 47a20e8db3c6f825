/** GPUs: those of the driver, those that a runtime can use, and the one that is taken. */
import { readFileSync } from "node:fs";
import { env } from "node:process";
import { MedLsamError, UsageError } from "../base/errors.js";
import { callNative, callSync } from "./call.js";
import type { NativeCudaDriver, NativeGpu } from "./contract/index.js";
import { native, onnxRuntimePath } from "./loader.js";
import { probeTorch, torchPluginPath } from "./torch-plugin.js";

/** A GPU as NVIDIA's driver describes it. */
export type Gpu = NativeGpu;

/** NVIDIA's driver and its GPUs. */
export interface CudaDriver {
  /** Its own version, as "580.159.04", where the system tells it. */
  version?: string;
  /** The latest CUDA that it runs, as "13.0". */
  cuda: string;
  gpus: Gpu[];
}

/**
 * The name of a device: "auto", "cpu", "cuda" or "cuda:N", for which "gpu" and "gpu:N" may be written. But for "auto" the
 * addon parses it, for every function and command alike.
 * @throws UsageError for anything else.
 */
export function parseDevice(text: string): string {
  return text === "auto" ? text : callSync(() => native.parseDevice(String(text)));
}

/** The driver, or why there is none. MEDLSAM_CUDA_DRIVER names its library, where it is in no usual place. */
export async function cudaDriver(): Promise<CudaDriver | { error: string }> {
  const library = env.MEDLSAM_CUDA_DRIVER || "libcuda.so.1";
  const driver = await callNative({}, (task) => native.cudaDriver(library, task));
  if (driver.error !== "") return { error: driver.error };
  return describeDriver(driver);
}

function describeDriver({ version, gpus }: NativeCudaDriver): CudaDriver {
  const own = driverVersion();
  return { ...(own !== undefined && { version: own }), cuda: cudaName(version), gpus };
}

/** Version of the kernel module, where Linux tells it. */
function driverVersion(): string | undefined {
  try {
    const text = readFileSync("/proc/driver/nvidia/version", "utf8");
    return /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** 13020 → "13.2". */
export function cudaName(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

export function hasGpu(driver: CudaDriver | { error: string }): boolean {
  return "gpus" in driver && driver.gpus.length > 0;
}

/** A runtime that computes on a GPU. */
export interface GpuRuntime {
  name: "torch" | "onnx";
  /** "cuda:N" */
  device: string;
}

interface Wanted {
  /** The only runtime to look at, if one is asked for. */
  name?: string | undefined;
  /** "auto", "cuda" or "cuda:N". */
  wanted: string;
  /** Among several GPUs of which any will do, the one to take, counted around. */
  part: number;
}

/** The first runtime that finds the GPU, or what was tried, a sentence each without its end. */
export async function gpuRuntimes(
  driver: CudaDriver | { error: string },
  { name, wanted, part }: Wanted,
): Promise<GpuRuntime | { tried: string[] }> {
  const tried = [`NVIDIA's driver: ${describeForTrying(driver)}`];
  for (const each of ["torch", "onnx"] as const) {
    if (name !== undefined && name !== each) continue;
    const { devices, why } = await (each === "torch" ? torchGpus(driver) : onnxGpus(driver));
    const taken =
      wanted === "auto" || wanted === "cuda"
        ? devices[part % devices.length]
        : devices.find((device) => device === wanted);
    if (taken !== undefined) return { name: each, device: taken };
    const title = each === "torch" ? "libtorch" : "ONNX Runtime";
    tried.push(`${title}: ${devices.length > 0 ? `it sees ${devices.join(", ")}` : why}`);
  }
  return { tried };
}

function describeForTrying(driver: CudaDriver | { error: string }): string {
  if ("error" in driver) return driver.error;
  const { cuda, gpus } = driver;
  const names = gpus.map(({ name }, i) => `cuda:${i} ${name}`).join(", ");
  return `it runs CUDA ${cuda} and has ${names || "no GPU"}`;
}

interface SeenGpus {
  devices: string[];
  /** Why there is none. */
  why: string;
}

/** GPUs that the torch plugin's libtorch sees. */
export async function torchGpus(driver: CudaDriver | { error: string }): Promise<SeenGpus> {
  try {
    const { version, cuda, devices } = await probeTorch(torchPluginPath());
    const gpus = devices.filter((device) => device !== "cpu");
    if (gpus.length > 0) return { devices: gpus, why: "" };
    if (cuda === 0) return { devices: [], why: `version ${version} is built for the CPU alone` };
    const needs = `version ${version} is for CUDA ${cudaName(cuda)}`;
    const isOld = "cuda" in driver && Number.parseInt(driver.cuda, 10) < Math.floor(cuda / 1000);
    return {
      devices: [],
      why: isOld
        ? `${needs}, and the driver runs CUDA ${driver.cuda} at most: update the driver, or build the plugin with an older libtorch`
        : `${needs} and sees no GPU`,
    };
  } catch (error) {
    return { devices: [], why: reasonOf(error) };
  }
}

/** GPUs that ONNX Runtime's CUDA provider finds. */
async function onnxGpus(driver: CudaDriver | { error: string }): Promise<SeenGpus> {
  try {
    const path = onnxRuntimePath();
    const { onnxRuntime } = await callNative({}, (task) => native.info(path, task));
    if ("error" in onnxRuntime) return { devices: [], why: onnxRuntime.error };
    const devices = onnxRuntime.devices.filter((device) => device !== "cpu");
    const has = onnxRuntime.providers.includes("CUDAExecutionProvider");
    if (devices.length > 0) return { devices, why: "" };
    if (!has) return { devices, why: `version ${onnxRuntime.version} has no CUDA provider` };
    return { devices, why: hasGpu(driver) ? onnxRuntime.noCuda : "it has no GPU either" };
  } catch (error) {
    return { devices: [], why: reasonOf(error) };
  }
}

/** An error's message as part of a sentence. */
function reasonOf(error: unknown): string {
  if (!(error instanceof MedLsamError)) throw error;
  return error.message.replace(/\s*\n\s*/g, " ").replace(/\.$/, "");
}

/**
 * Where libtorch trains: "cpu", "cuda:N" or, for several processes with a GPU each, "cuda".
 * @throws UsageError for GPUs that are not there.
 */
export async function gpuOfTorch(
  device: string,
  processes: number,
  onFallback?: (reason: string) => void,
): Promise<string> {
  const wanted = parseDevice(device);
  if (wanted === "cpu") return wanted;
  const driver = await cudaDriver();
  if (wanted === "auto" && !hasGpu(driver)) return "cpu";
  const { devices, why } = await torchGpus(driver);
  if (wanted.startsWith("cuda:") && devices.includes(wanted)) return wanted;
  if (!wanted.startsWith("cuda:") && devices.length >= Math.max(1, processes)) return "cuda";
  const seen = devices.length > 0 ? `it sees ${devices.join(", ")}` : why;
  const tried = [`NVIDIA's driver: ${describeForTrying(driver)}`, `libtorch: ${seen}`];
  if (wanted === "auto") {
    onFallback?.(`no GPU is used, the CPU trains: ${tried.join("; ")}`);
    return "cpu";
  }
  const many = processes > 1 && wanted === "cuda" ? ` for each of ${processes} processes` : "";
  throw new UsageError(notThere(`${wanted}${many}`, tried));
}

/** Message of the error for a device that is not there. */
export function notThere(device: string, tried: readonly string[]): string {
  return [
    `The device ${device} is not there.`,
    ...tried.map((attempt) => `  tried ${attempt}`),
    "Run on the CPU (--device cpu), or on the CPU where there is no GPU (--device auto); `medlsam info` lists what is there.",
  ].join("\n");
}
