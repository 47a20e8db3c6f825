/** What runs networks, and what this machine has. */
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
  /** The level that kernels run at: "avx512", "avx2", "sse2", "neon" or "baseline". */
  simd: string;
  /** Why the environment variable MEDLSAM_SIMD was not followed. */
  simdWarning?: string;
  /** ONNX Runtime's version and execution providers at this path. */
  onnxRuntime: { version: string; providers: string[] } | { error: string };
}

/** What runs a network, and how: see lib/addon/runtimes.ts. */
export type Runtime =
  | { name: "onnx"; library: string; device: string }
  | { name: "torch"; library: string; device: string; precision: Precision };

/** What weights and activations are kept in; results are float32 always. */
export type Precision = "float32" | "bfloat16" | "float16";

export interface TorchInfo {
  /** libtorch's. */
  version: string;
  cudaDevices: number;
}

export interface RuntimesAddon {
  info(onnxRuntimePath: string, task: Task): Promise<AddonInfo>;
  /** Loads the torch plugin into this process. */
  torchInfo(plugin: string, task: Task): Promise<TorchInfo>;
}
