/** The CUDA plugin: what surrounds the networks on a GPU. Where it is, and whether it can be used. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { MedLsamError, UnavailableError } from "../base/errors.js";
import { callNative } from "./call.js";
import { native, root } from "./loader.js";

/**
 * The CUDA plugin to load: what the environment variable MEDLSAM_CUDA names, else build-cuda/medlsam_cuda.so of the package.
 * @throws UnavailableError if there is none.
 */
export function cudaPluginPath(): string {
  const path = env.MEDLSAM_CUDA || join(root, "build-cuda/medlsam_cuda.so");
  if (existsSync(path)) return path;
  throw new UnavailableError(
    "RUNTIME_UNAVAILABLE",
    `The CUDA plugin was not found.\n  tried MEDLSAM_CUDA: ${env.MEDLSAM_CUDA || "not set"}\n  tried ${path}: no such file\n` +
      `Build it with \`npm run build:cuda\` in ${root} (it needs CMake and nvcc, but no GPU).`,
  );
}

/**
 * Makes scans of networks on this GPU ("cuda:N") be gridded, searched and cut into slices there, too.
 * @returns why that is done on the CPU instead, a line; "" where the plugin does it.
 */
export async function useCudaPlugin(device: string): Promise<string> {
  try {
    const path = cudaPluginPath();
    await callNative({}, (task) => native.useCudaPlugin(path, device, task));
    return "";
  } catch (error) {
    if (!(error instanceof MedLsamError)) throw error;
    return `networks compute on ${device}, what surrounds them on the CPU: ${error.message.replace(/\s*\n\s*/g, " ")}`;
  }
}
