/** Files written so that no half of one is ever seen, and why one could not be. */
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
import { OutputError, UsageError } from "../base/errors.js";

/**
 * Writes the whole file or nothing: to a temporary file next to it, which then takes its place. Synchronous, so that no
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

/** Makes the folder and those above it. @throws UsageError if it is a file; OutputError if it cannot be made. */
export function makeFolder(path: string): void {
  if (stats(path)?.isDirectory() === false) {
    throw new UsageError(`${path} is a file. Give a folder.`);
  }
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw unwritable(path, cause);
  }
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

/** Why a file could not be written, and what to do. */
export function unwritable(path: string, cause: unknown): OutputError {
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

export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
}

export function stats(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

export function isSpecial(found: Stats | undefined): boolean {
  return found !== undefined && !found.isFile();
}

/** A link to a file stays a link: the file it leads to is replaced. */
export function followLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
