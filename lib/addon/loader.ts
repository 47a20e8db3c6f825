/** Loads the addon, and finds the ONNX Runtime library that the addon loads. */
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { arch, env, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { UnavailableError } from "../base/errors.js";
import type { NativeAddon } from "./contract/index.js";

const require = createRequire(import.meta.url);
/** The package's folder: this file is two folders below it, in lib/ as in dist/. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The module that finds and loads the addon in {@link root}. */
export const addonModule = require.resolve("node-gyp-build");

function load(): NativeAddon {
  try {
    return require(addonModule)(root) as NativeAddon;
  } catch (cause) {
    throw new UnavailableError("RUNTIME_UNAVAILABLE", explain(cause as Error), { cause });
  }
}

function explain(cause: Error): string {
  const attempts = ["build/Release", `prebuilds/${platform}-${arch}`].map((folder) => {
    const path = join(root, folder);
    const files = existsSync(path)
      ? readdirSync(path).filter((file) => file.endsWith(".node"))
      : [];
    return `  tried ${path}: ${files.length > 0 ? files.join(", ") : "no addon there"}`;
  });
  return [
    `medlsam's native addon could not be loaded on ${platform}-${arch} with Node ${process.version}:`,
    ...attempts,
    `  ${cause.message.trim().replaceAll("\n", "\n  ")}`,
    "If the package was installed with scripts disabled (--ignore-scripts, or npm's allowScripts), or on another",
    "system than this one, run `npm rebuild medlsam` (in a clone: `npm run build:native`). It needs CMake and a",
    "C++20 compiler where the package has no prebuild.",
  ].join("\n");
}

/** The addon. Importing this module throws an {@link UnavailableError} if it cannot be loaded. */
export const native: NativeAddon = load();

/**
 * Path of the ONNX Runtime library: that in the environment variable MEDLSAM_ONNXRUNTIME, or else the one in the npm
 * package onnxruntime-node.
 * @throws UnavailableError if that package is missing or has none for this system.
 */
export function onnxRuntimePath(): string {
  if (env.MEDLSAM_ONNXRUNTIME) return env.MEDLSAM_ONNXRUNTIME;
  const name = platform === "darwin" ? "libonnxruntime.1.dylib" : "libonnxruntime.so.1";
  let attempt: string;
  try {
    const folder = dirname(require.resolve("onnxruntime-node/package.json"));
    const path = join(folder, "bin/napi-v6", platform, arch, name);
    if (existsSync(path)) return path;
    attempt = `${path}: no such file`;
  } catch {
    attempt = "the npm package onnxruntime-node: not installed (run `npm install`)";
  }
  throw new UnavailableError(
    "RUNTIME_UNAVAILABLE",
    "ONNX Runtime was not found.\n  tried MEDLSAM_ONNXRUNTIME: not set\n" +
      `  tried ${attempt}\nInstall any ONNX Runtime from 1.22 on and set MEDLSAM_ONNXRUNTIME to the path of its ${name}.`,
  );
}
