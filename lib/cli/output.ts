/** Where results go, settled and checked before the long work, and written so that no half file is ever seen. */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { stemOf } from "../datasets/cases.js";
import { OutputError, UsageError } from "../errors.js";

/** Where the results of one image go; without `json`, to standard output. */
export interface Target {
  image: string;
  json?: string;
  markups?: string;
}

export interface OutputFlags {
  output?: string;
  markups?: boolean;
}

/**
 * The files to be written, their folder made and found writable.
 * @throws UsageError for outputs that would meet each other or an input; OutputError for an unwritable folder.
 */
export function planOutputs(images: string[], { output, markups }: OutputFlags): Target[] {
  if (output === undefined) {
    if (markups) throw new UsageError("--markups writes files: say where with -o FILE or -o DIR.");
    return images.map((image) => ({ image }));
  }
  const isFolder = output.endsWith("/") || stats(output)?.isDirectory() === true;
  const targets = images.map((image) => {
    const base =
      isFolder || images.length > 1 ? join(output, stemOf(image)) : output.replace(/\.json$/i, "");
    const json = isFolder || images.length > 1 ? `${base}.json` : output;
    return markups ? { image, json, markups: `${base}.mrk.json` } : { image, json };
  });
  refuseEqualTargets(targets);
  if (isFolder || images.length > 1) makeFolder(output);
  for (const { json, markups: beside } of targets) {
    for (const path of [json, beside]) if (path !== undefined) checkWritable(path, images);
  }
  return targets;
}

function refuseEqualTargets(targets: Target[]): void {
  const images = new Map<string, string>();
  for (const { image, json } of targets) {
    const other = images.get(json ?? "");
    if (other !== undefined) {
      throw new UsageError(
        `${other} and ${image} would both be written to ${json}. Give images of different names, or run them apart.`,
      );
    }
    images.set(json ?? "", image);
  }
}

/** @throws UsageError if it is a file; OutputError if it cannot be made. */
export function makeFolder(path: string): void {
  if (stats(path)?.isDirectory() === false) {
    throw new UsageError(`${path} is a file. Give a folder with -o.`);
  }
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Makes the folder. @throws UsageError if it is a file; OutputError if it or files in it cannot be made. */
export function checkFolder(path: string): void {
  makeFolder(path);
  const temporary = temporaryName(join(path, "check"));
  try {
    closeSync(openSync(temporary, "wx"));
    rmSync(temporary);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * @throws UsageError if `path` is a folder or one of the inputs; OutputError if no file can be made there. Trying is
 *   the only check that holds for every file system and user.
 */
export function checkWritable(path: string, inputs: string[]): void {
  const found = stats(path);
  if (found?.isDirectory()) throw new UsageError(`${path} is a folder. Give the name of a file.`);
  if (inputs.some((input) => isSameFile(input, path))) {
    throw new UsageError(
      `${path} is an input and would be overwritten. Give another name with -o.`,
    );
  }
  if (isSpecial(found)) return;
  const temporary = temporaryName(path);
  try {
    closeSync(openSync(temporary, "wx"));
    rmSync(temporary);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * Writes the whole file or nothing: to a temporary name beside it, which then takes its place. Synchronous, so that no
 * signal handler of this process can run in between.
 */
export function writeWhole(path: string, text: string): void {
  // A device or a pipe cannot be replaced, only written to.
  const special = isSpecial(stats(path));
  const target = special ? path : followLink(path);
  const temporary = special ? path : temporaryName(target);
  try {
    const file = openSync(temporary, special ? "w" : "wx");
    try {
      writeFileSync(file, text);
      if (!special) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (!special) renameSync(temporary, target);
  } catch (cause) {
    if (!special) discard(temporary);
    throw unwritable(path, cause);
  }
}

/** Writes to standard output and waits until it is taken. */
export function writeStdout(text: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(text, (cause) =>
      cause ? fail(unwritable("standard output", cause)) : done(),
    );
  });
}

const reasons: Record<string, string> = {
  ENOENT: "its folder does not exist. Create it first",
  ENOTDIR: "its folder is a file. Give another path",
  EACCES: "permission denied. Change the permissions or the path",
  EPERM: "permission denied. Change the permissions or the path",
  EROFS: "the file system is read-only. Give another path",
  ENOSPC: "the disk is full. Free some space or give another path",
  EDQUOT: "the disk quota is used up. Free some space or give another path",
  EPIPE: "the reader closed the pipe",
};

function unwritable(path: string, cause: unknown): OutputError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return new OutputError(
    "WRITE_FAILED",
    `${path}: cannot be written: ${reasons[code] ?? message}.`,
    { cause },
  );
}

/** The reason why it could not be written is worth more than why it could not be removed. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
}

function stats(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isSpecial(found: Stats | undefined): boolean {
  return found !== undefined && !found.isFile();
}

/** A link to a file stays a link: the file it leads to is replaced. */
function followLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function isSameFile(a: string, b: string): boolean {
  return followLink(a) === followLink(b);
}
