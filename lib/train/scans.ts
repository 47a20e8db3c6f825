/** Scans to train on, brought to the 3 mm grid once and kept in a folder. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { stemOf } from "../datasets/cases.js";
import { InputError, OutputError } from "../errors.js";
import { type CallOptions, callNative, type Progress } from "../native/call.js";
import { native } from "../native/loader.js";
import { Volume } from "../volumes/volume.js";

export interface PrepareOptions extends CallOptions {
  /** Intensities are in 0..1 already. */
  normalized?: boolean;
  onProgress?: (progress: Progress) => void;
}

/**
 * The grids of the scans (algorithm.md part 1, exact) as files of `folder`; those that are there already are kept. A
 * file's name holds the scan's name, size and time, so a changed scan is prepared anew.
 */
export async function prepareScans(
  scans: string[],
  folder: string,
  options: PrepareOptions = {},
): Promise<string[]> {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new OutputError("WRITE_FAILED", `${folder}: ${(cause as Error).message}.`, { cause });
  }
  // Before the hours that thousands of scans take.
  const missing = scans.find((scan) => !existsSync(scan));
  if (missing !== undefined) {
    throw new InputError("FILE_NOT_FOUND", `${missing}: no such file. Check the path.`);
  }
  const files: string[] = [];
  for (const [index, scan] of scans.entries()) {
    options.onProgress?.({ step: "prepare scans", done: index, total: scans.length });
    const file = join(folder, preparedName(scan, options.normalized ?? false));
    if (!existsSync(file)) await prepare(scan, file, options);
    files.push(file);
  }
  options.onProgress?.({ step: "prepare scans", done: scans.length, total: scans.length });
  return files;
}

function preparedName(scan: string, normalized: boolean): string {
  const { size, mtimeMs } = statSync(scan);
  const key = createHash("sha256").update(`${scan}\n${size}\n${mtimeMs}\n${normalized}`);
  return `${stemOf(scan)}-${key.digest("hex").slice(0, 16)}.safetensors`;
}

async function prepare(scan: string, file: string, options: PrepareOptions): Promise<void> {
  const volume = await Volume.read(scan, options);
  try {
    const grid = await callNative(options, (task) =>
      native.makeGrid(volume.handle, "exact", options.normalized ?? false, task),
    );
    try {
      await callNative(options, (task) => native.writeTrainingScan(grid, file, task));
    } finally {
      native.release(grid);
    }
  } catch (error) {
    throw named(error, scan);
  } finally {
    volume.close();
  }
}

/** Of thousands of scans, the message must say which. */
function named(error: unknown, scan: string): unknown {
  if (!(error instanceof InputError) || error.message.includes(scan)) return error;
  return new InputError(error.code, `${scan}: ${error.message}`, { cause: error });
}
