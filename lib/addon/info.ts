import { MedLsamError } from "../base/errors.js";
import { type CallOptions, callNative } from "./call.js";
import { native, onnxRuntimePath } from "./loader.js";
import { threadsOfProcess } from "./threads.js";

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
  devices: string[];
  onnxRuntime: { path: string; version: string; providers: string[] } | { error: string };
}

export async function info(options: CallOptions = {}): Promise<Info> {
  const runtime = findRuntime();
  const addon = await callNative(options, (task) => native.info(runtime.path, task));
  return {
    version: addon.version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    compiler: addon.compiler,
    zlib: addon.zlib,
    simd: addon.simd,
    ...(addon.simdWarning !== undefined && { simdWarning: addon.simdWarning }),
    threads: threadsOfProcess(),
    devices: ["cpu"],
    onnxRuntime:
      "error" in addon.onnxRuntime
        ? { error: runtime.error ?? addon.onnxRuntime.error }
        : { path: runtime.path, ...addon.onnxRuntime },
  };
}

function findRuntime(): { path: string; error?: string } {
  try {
    return { path: onnxRuntimePath() };
  } catch (error) {
    if (error instanceof MedLsamError) return { path: "", error: error.message };
    throw error;
  }
}
