/** Runtimes of networks, and this machine's devices. */
import type { Task } from "./task.js";

/** Where a network really runs. */
export interface Placement {
  /** "cpu" or "cuda:N". */
  device: string;
}

/** A GPU as NVIDIA's driver describes it. */
export interface NativeGpu {
  /** As "NVIDIA H200". */
  name: string;
  /** Bytes, of all programs together. */
  memory: number;
  /** Compute capability, as "9.0". */
  capability: string;
}

export interface NativeCudaDriver {
  /** Why there is no driver that works; "" if there is one. */
  error: string;
  /** The latest CUDA that it runs: 1000·major + 10·minor. */
  version: number;
  gpus: NativeGpu[];
}

export interface AddonInfo {
  version: string;
  compiler: string;
  zlib: string;
  /** Why the environment variable MEDLSAM_SIMD was not followed. */
  simdWarning?: string;
  /** ONNX Runtime at this path: its version, execution providers, and the devices that it finds. */
  onnxRuntime: OnnxRuntimeInfo | { error: string };
}

export interface OnnxRuntimeInfo {
  version: string;
  providers: string[];
  devices: string[];
  /** Why its CUDA provider cannot be had, a sentence without its end; "" if it can. */
  noCuda: string;
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
  /** CUDA that it is built for, 1000·major + 10·minor; 0: it is built for the CPU. */
  cuda: number;
}

export interface NativeCudaPlugin {
  /** CUDA's runtime in it: 1000·major + 10·minor. */
  cuda: number;
  /** Compute capabilities that it was compiled for. */
  architectures: string;
  /** Bytes that a scan keeps of device memory it has released, at most. */
  pool: number;
  /** Bytes of the room in device memory for a scan's masks. */
  masks: number;
  /** GPUs that it sees. */
  gpus: number;
  /** Why it sees none; "" if it does. */
  noGpu: string;
}

export interface RuntimesAddon {
  /** The name of a device: "cpu", "cuda" or "cuda:N". @throws BAD_ARGUMENT for anything else. */
  parseDevice(text: string): string;
  /** The GPUs of NVIDIA's driver, whose library this is. */
  cudaDriver(library: string, task: Task): Promise<NativeCudaDriver>;
  /** The level that kernels run at: "avx512", "avx2", "sse2", "neon" or "baseline". */
  simdLevel(): string;
  info(onnxRuntimePath: string, task: Task): Promise<AddonInfo>;
  /** Loads the CUDA plugin into this process. */
  cudaPluginInfo(plugin: string, task: Task): Promise<NativeCudaPlugin>;
  /** Loads it; scans of networks on this GPU are gridded, searched and cut into slices by it from now on. */
  useCudaPlugin(plugin: string, device: string, task: Task): Promise<void>;
  /** Loads the torch plugin into this process. */
  torchInfo(plugin: string, task: Task): Promise<TorchInfo>;
}
