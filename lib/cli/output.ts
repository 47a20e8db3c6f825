/** Where results go, settled and checked before the long work, and written so that no half file is ever seen. */
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import {
  followLink,
  isSpecial,
  makeFolder,
  stats,
  temporaryName,
  unwritable,
} from "../formats/files.js";
import { stemOf } from "../formats/scan-names.js";
import type { ScanCase } from "../index.js";

export interface OutputFlags {
  output?: string;
  markups?: boolean;
}

/**
 * The images as cases with the files of their boxes, without one where they go to standard output; the files' folder is made
 * and found writable.
 * @throws UsageError for outputs that would meet each other or an input; OutputError for an unwritable folder.
 */
export function planBoxes(
  scans: readonly (string | ScanCase)[],
  { output, markups }: OutputFlags,
): ScanCase[] {
  const planned = scans.map((scan) =>
    typeof scan === "string" ? { name: stemOf(scan), image: scan } : scan,
  );
  if (output === undefined) {
    if (markups) throw new UsageError("--markups writes files: say where with -o FILE or -o DIR.");
    return planned;
  }
  const inFolder =
    output.endsWith("/") || stats(output)?.isDirectory() === true || scans.length > 1;
  const cases = planned.map((each) => {
    return { ...each, boxes: inFolder ? join(output, `${each.name}.json`) : output };
  });
  refuseEqualOutputs(cases);
  if (inFolder) makeFolder(output);
  const images = planned.map(({ image }) => image);
  for (const { boxes } of cases) {
    checkWritable(boxes, images);
    if (markups) checkWritable(`${boxes.replace(/\.json$/i, "")}.mrk.json`, images);
  }
  return cases;
}

function refuseEqualOutputs(cases: readonly { image: string; boxes: string }[]): void {
  const images = new Map<string, string>();
  for (const { image, boxes } of cases) {
    const other = images.get(boxes);
    if (other !== undefined) {
      throw new UsageError(
        `${other} and ${image} would both be written to ${boxes}. Give images of different names, or run them apart.`,
      );
    }
    images.set(boxes, image);
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
