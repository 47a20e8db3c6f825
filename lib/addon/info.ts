import { MedLsamError } from "../base/errors.js";
import { type CallOptions, callNative } from "./call.js";
import { cudaPluginPath } from "./cuda-plugin.js";
import { type CudaDriver, cudaDriver, cudaName, gpuRuntimes, hasGpu } from "./devices.js";
import { native, onnxRuntimePath } from "./loader.js";
import { type DefaultRuntime, defaultRuntime } from "./runtimes.js";
import { threadsOfProcess } from "./threads.js";
import { probeTorch, torchPluginPath } from "./torch-plugin.js";

/** Versions, runtimes, devices and instruction sets of this installation. */
export interface Info {
  version: string;
  node: string;
  platform: string;
  compiler: string;
  zlib: string;
  /** Instruction set that the kernels use: "avx512", "avx2", "sse2" or "neon"; MEDLSAM_SIMD can ask for a lower one. */
  simd: string;
  /** Why MEDLSAM_SIMD was not followed, if it was not. */
  simdWarning?: string;
  /** Threads that compute in this process, for all calls together. */
  threads: number;
  /** Those that some runtime finds: "cpu", "cuda:0", … */
  devices: string[];
  /** Runtime of networks on the CPU where none is asked for: "cpu" with AVX2 or AVX-512, else "onnx". */
  defaultRuntime: DefaultRuntime;
  /** NVIDIA's driver and its GPUs, which need no plugin to be seen. */
  cuda: CudaDriver | RuntimeMissing;
  /** Where networks run if nothing is asked for and there is a GPU: the runtime and its device, or why no runtime can use the GPU. */
  gpu?: { runtime: "torch" | "onnx"; device: string } | RuntimeMissing;
  onnxRuntime: (RuntimeInfo & { providers: string[]; noCuda?: string }) | RuntimeMissing;
  /** libtorch, through the plugin that `npm run build:torch` builds; `cuda` is the version it is built for, if it is. */
  torch: (RuntimeInfo & { cuda?: string }) | RuntimeMissing;
  /** Kernels for what surrounds networks on a GPU, through the plugin that `npm run build:cuda` builds. */
  cudaPlugin: CudaPluginInfo | RuntimeMissing;
}

/** The CUDA plugin, which loads on machines without a GPU, too. */
export interface CudaPluginInfo {
  path: string;
  /** CUDA's version in it, as "13.0". */
  version: string;
  /** Compute capabilities that it was compiled for, as "75-real,80-real,90". */
  architectures: string;
  /** Bytes that a scan keeps for later of the GPU memory that its patches and pictures have given back, at most. */
  pool: number;
  /** Bytes of GPU memory in which a scan's masks are put together; what fills them goes to the host. */
  masks: number;
  /** GPUs that it sees: "cuda:0", … */
  devices: string[];
  /** Why it sees none. */
  noGpu?: string;
}

/** A runtime that can be loaded. */
export interface RuntimeInfo {
  /** Path of the library that is loaded: ONNX Runtime, or the torch plugin. */
  path: string;
  /** Version of ONNX Runtime or of libtorch. */
  version: string;
  /** Those that this runtime finds. */
  devices: string[];
}

/** Why a runtime cannot be loaded, and what to do. */
export interface RuntimeMissing {
  error: string;
}

export async function info(options: CallOptions = {}): Promise<Info> {
  const runtime = found(onnxRuntimePath);
  const torch = torchInfo();
  const cuda = await cudaDriver();
  const addon = await callNative(options, (task) =>
    native.info("path" in runtime ? runtime.path : "", task),
  );
  let onnxRuntime: Info["onnxRuntime"];
  if ("error" in runtime) onnxRuntime = runtime;
  else if ("error" in addon.onnxRuntime) onnxRuntime = addon.onnxRuntime;
  else {
    const { noCuda, ...found } = addon.onnxRuntime;
    onnxRuntime = { ...runtime, ...found, ...(hasGpu(cuda) && noCuda !== "" && { noCuda }) };
  }
  const devices = [onnxRuntime, await torch].flatMap((each) =>
    "devices" in each ? each.devices : [],
  );
  return {
    version: addon.version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    compiler: addon.compiler,
    zlib: addon.zlib,
    simd: native.simdLevel(),
    ...(addon.simdWarning !== undefined && { simdWarning: addon.simdWarning }),
    threads: threadsOfProcess(),
    devices: [...new Set(["cpu", ...devices])],
    defaultRuntime: defaultRuntime(),
    cuda,
    ...(hasGpu(cuda) && { gpu: await gpuInfo(cuda) }),
    onnxRuntime,
    torch: await torch,
    cudaPlugin: await cudaPluginInfo(options),
  };
}

async function gpuInfo(driver: Info["cuda"]): Promise<Info["gpu"]> {
  const found = await gpuRuntimes(driver, { wanted: "auto", part: 0 });
  if ("tried" in found) return { error: found.tried.join("; ") };
  return { runtime: found.name, device: found.device };
}

async function torchInfo(): Promise<Info["torch"]> {
  const plugin = found(torchPluginPath);
  if ("error" in plugin) return plugin;
  try {
    const { version, devices, cuda } = await probeTorch(plugin.path);
    return { ...plugin, version, devices, ...(cuda !== 0 && { cuda: cudaName(cuda) }) };
  } catch (error) {
    return missing(error);
  }
}

async function cudaPluginInfo(options: CallOptions): Promise<Info["cudaPlugin"]> {
  const plugin = found(cudaPluginPath);
  if ("error" in plugin) return plugin;
  try {
    const told = await callNative(options, (task) => native.cudaPluginInfo(plugin.path, task));
    const { cuda, architectures, pool, masks, gpus, noGpu } = told;
    const devices = Array.from({ length: gpus }, (_, i) => `cuda:${i}`);
    const version = cudaName(cuda);
    const why = noGpu !== "" && { noGpu };
    return { ...plugin, version, architectures, pool, masks, devices, ...why };
  } catch (error) {
    return missing(error);
  }
}

function found(find: () => string): { path: string } | RuntimeMissing {
  try {
    return { path: find() };
  } catch (error) {
    return missing(error);
  }
}

function missing(error: unknown): RuntimeMissing {
  if (error instanceof MedLsamError) return { error: error.message };
  throw error;
}
