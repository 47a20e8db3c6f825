/** Where results go, settled and checked before the long work, and written so that no half file is ever seen. */
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import { followLink, isSpecial, stats, temporaryName, unwritable } from "../formats/files.js";
import { stemOf } from "../formats/scan-names.js";

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

/** Writes to standard output and waits until it is taken. */
export function writeStdout(text: string): Promise<void> {
  return new Promise((done, fail) => {
    process.stdout.write(text, (cause) =>
      cause ? fail(unwritable("standard output", cause)) : done(),
    );
  });
}

function isSameFile(a: string, b: string): boolean {
  return followLink(a) === followLink(b);
}
