/** The folder of one case's results. Every file in it is whole, and the last one to appear says that all are there. */
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { OutputError, UsageError } from "../errors.js";

/** The file that appears last; its `files` names the others. */
export const boxesFile = "boxes.json";

/** Whether the case's results are all there. */
export async function isComplete(output: string, name: string): Promise<boolean> {
  return (await earlierFiles(join(output, name))) !== undefined;
}

/** The files an earlier run wrote, undefined where none was completed. */
async function earlierFiles(folder: string): Promise<string[] | undefined> {
  try {
    const { files } = JSON.parse(await readFile(join(folder, boxesFile), "utf8")) as {
      files?: unknown;
    };
    return Array.isArray(files) ? files.filter(isPlainName) : [];
  } catch {
    return undefined;
  }
}

/** What a hostile or edited list names must not lead out of the folder. */
function isPlainName(file: unknown): file is string {
  return typeof file === "string" && /^[^/\\]+$/.test(file) && !/^\.\.?$/.test(file);
}

/**
 * Collects a case's files beside their place and moves them there together: a run that dies leaves what was there before,
 * or a folder without `boxes.json`, which counts as not done.
 */
export class CaseFolder {
  readonly #folder: string;
  readonly #partial: string;

  private constructor(output: string, name: string) {
    this.#folder = join(output, name);
    this.#partial = join(output, `.${name}.partial`);
  }

  /** @throws OutputError */
  static async begin(output: string, name: string): Promise<CaseFolder> {
    const folder = new CaseFolder(output, name);
    await writing(folder.#partial, async () => {
      // What a killed run left.
      await rm(folder.#partial, { recursive: true, force: true });
      await mkdir(folder.#partial, { recursive: true });
    });
    return folder;
  }

  /** Where to write a file of this name. */
  path(file: string): string {
    return join(this.#partial, file);
  }

  /** Moves these files and `boxes.json`, all written, to their place. @throws OutputError */
  async commit(files: readonly string[]): Promise<void> {
    const folder = this.#folder;
    await writing(folder, async () => {
      await mkdir(folder, { recursive: true });
      const earlier = (await earlierFiles(folder)) ?? [];
      // From here to the last rename the case counts as not done.
      await rm(join(folder, boxesFile), { force: true });
      for (const file of earlier) {
        if (!files.includes(file)) await rm(join(folder, file), { force: true });
      }
      for (const file of [...files, boxesFile]) await rename(this.path(file), join(folder, file));
      await rm(this.#partial, { recursive: true, force: true });
    });
  }

  /** Removes what was written so far. */
  async discard(): Promise<void> {
    // The reason why the case failed is worth more than why its remains could not be removed.
    await rm(this.#partial, { recursive: true, force: true }).catch(() => {});
  }
}

async function writing(path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    throw new OutputError(
      "WRITE_FAILED",
      `${path}: cannot be written: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
}

/** File names for organs' masks. @throws UsageError if two organs would share one. */
export function maskFiles(organs: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const organ of organs) {
    // Names come from files: nothing in one may lead to another folder or hide the file.
    const safe = organ.replace(/[^\p{L}\p{M}\p{N} ._+()-]/gu, "_").replace(/^\.+/, "_");
    const file = `${safe.slice(0, 200).trim() || "_"}.nii.gz`;
    const other = owners.get(file.toLowerCase());
    if (other !== undefined) {
      throw new UsageError(
        `Organs "${other}" and "${organ}" would both be written to ${file}. Rename one, or write one label map (--ml).`,
      );
    }
    owners.set(file.toLowerCase(), organ);
    files.set(organ, file);
  }
  return files;
}
