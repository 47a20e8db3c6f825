/** Runtimes of networks, and this machine's devices. */
import type { Task } from "./task.js";

/** Where a network really runs. */
export interface Placement {
  /** "cpu" or "cuda:N". */
  device: string;
  /** Why that is not the device that was asked for; "" where it is. */
  fallback: string;
}

export interface AddonInfo {
  version: string;
  compiler: string;
  zlib: string;
  /** Why the environment variable MEDLSAM_SIMD was not followed. */
  simdWarning?: string;
  /** ONNX Runtime at this path: its version, execution providers, and the devices that it finds. */
  onnxRuntime: { version: string; providers: string[]; devices: string[] } | { error: string };
}

/** A runtime and its settings: see lib/addon/runtimes.ts. */
export type Runtime =
  | { name: "cpu"; library: ""; device: string; precision: Exclude<Precision, "float16"> }
  | { name: "onnx"; library: string; device: string; precision: "float32" }
  | { name: "torch"; library: string; device: string; precision: Precision };

/** Type of weights and activations; results are float32 always. */
export type Precision = "float32" | "bfloat16" | "float16";

export interface TorchInfo {
  /** libtorch's. */
  version: string;
  /** "cpu", "cuda:0", …: those that it finds. */
  devices: string[];
}

export interface RuntimesAddon {
  /** The name of a device: "cpu", "cuda" or "cuda:N". @throws BAD_ARGUMENT for anything else. */
  parseDevice(text: string): string;
  /** The level that kernels run at: "avx512", "avx2", "sse2", "neon" or "baseline". */
  simdLevel(): string;
  info(onnxRuntimePath: string, task: Task): Promise<AddonInfo>;
  /** Loads the torch plugin into this process. */
  torchInfo(plugin: string, task: Task): Promise<TorchInfo>;
}
