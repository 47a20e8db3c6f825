/** The files that an input stands for: a folder with all below it, an archive, a DICOMDIR, files. */
import { open, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AbortedError, InputError, unreadable } from "../../base/errors.js";
import { looksLikeDicom } from "../data-set.js";
import type { FileRef } from "./file-ref.js";
import { listArchive, looksLikeZip } from "./zip.js";

/** How a path is read: `archive` and `file` by their content. */
export type InputKind = "folder" | "archive" | "file" | "other";

/** Bytes that tell what a file is. */
const startSize = 132;

/** The kind of an input; "other" for what is neither DICOM nor an archive, or cannot be opened. */
export async function inputKind(path: string): Promise<InputKind> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return "folder";
  // A pipe could be read but once.
  if (!found?.isFile()) return "other";
  const start = await startOf(path).catch(() => undefined);
  if (!start) return "other";
  // PyTorch's checkpoints are archives as well, whose first file is a pickle.
  if (looksLikeZip(start)) return start.includes(".pkl") ? "other" : "archive";
  return looksLikeDicom(start) ? "file" : "other";
}

async function startOf(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(startSize), 0, startSize, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Whether any file in the folder, or below it, is DICOM. */
export async function holdsDicom(folder: string): Promise<boolean> {
  for await (const path of filesBelow(folder)) {
    const start = await startOf(path).catch(() => undefined);
    if (start && looksLikeDicom(start)) return true;
  }
  return false;
}

/**
 * All files of these inputs, each once, in the order of their names.
 * @throws InputError `FILE_NOT_FOUND`, `READ_FAILED`, `BAD_VOLUME` for an archive that cannot be used; AbortedError.
 */
export async function listFiles(
  inputs: readonly string[],
  signal?: AbortSignal,
): Promise<FileRef[]> {
  const files = new Map<string, FileRef>();
  for (const input of inputs) {
    for (const file of await expand(input, signal)) files.set(file.name, file);
  }
  return [...files.values()];
}

async function expand(input: string, signal?: AbortSignal): Promise<FileRef[]> {
  const found = await stat(input).catch((cause) => {
    throw unreadable(input, cause);
  });
  const kind = await inputKind(input);
  if (kind === "archive") return listArchive(input);
  const isDirectory = /^dicomdir$/i.test(basename(input));
  const folder = found.isDirectory() ? input : isDirectory ? dirname(input) : undefined;
  if (folder === undefined) return [{ name: input, path: input }];
  const files: FileRef[] = [];
  for await (const path of filesBelow(folder)) {
    if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
    files.push({ name: path, path });
  }
  return files;
}

/** Files in the folder and below it, by name. Links are followed, but into no folder twice. */
async function* filesBelow(folder: string, seen = new Set<string>()): AsyncGenerator<string> {
  const real = await realpath(folder).catch((cause) => {
    throw unreadable(folder, cause);
  });
  if (seen.has(real)) return;
  seen.add(real);
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause): never => {
    throw new InputError("READ_FAILED", `${folder}: cannot be read: ${cause.message}.`, { cause });
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
    if (target?.isDirectory()) yield* filesBelow(path, seen);
    else if (target?.isFile()) yield path;
  }
}
