/** The folder of one case's results. Every file in it is whole; `boxes.json` appears last, and its `files` names the others. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { MedLsamError, UsageError } from "../base/errors.js";
import { boxesFile } from "../formats/boxes.js";
import { unwritable, writeWhole } from "../formats/files.js";

/** Journal in the partial folder while files are moved: all files that the case has or had. */
const movingFile = "moving.json";

/** Whether the case's results are all there. */
export async function isComplete(output: string, name: string): Promise<boolean> {
  const folder = join(output, name);
  const files = await listedFiles(join(folder, boxesFile));
  return files.length > 0 && files.every((file) => existsSync(join(folder, file)));
}

/** The names in a JSON's `files`; empty if there is no such JSON. */
async function listedFiles(path: string): Promise<string[]> {
  try {
    const { files } = JSON.parse(await readFile(path, "utf8")) as { files?: unknown };
    return Array.isArray(files) ? files.filter(isPlainName) : [];
  } catch {
    return [];
  }
}

/** Whether it is a plain file name: an edited or hostile list must not lead out of the folder. */
function isPlainName(file: unknown): file is string {
  return typeof file === "string" && /^[^/\\]+$/.test(file) && !/^\.\.?$/.test(file);
}

/**
 * Collects a case's files next to their place and moves them there together: a run that crashes leaves the earlier files,
 * or a folder without `boxes.json`, which counts as not done.
 */
export class CaseFolder {
  readonly #folder: string;
  readonly #partial: string;

  private constructor(output: string, name: string) {
    this.#folder = join(output, name);
    this.#partial = partialFolder(output, name);
  }

  /** @throws OutputError */
  static async begin(output: string, name: string): Promise<CaseFolder> {
    const folder = new CaseFolder(output, name);
    await writing(folder.#partial, async () => {
      // Files that a killed run left; killed while it moved files, it left some of two runs.
      const mixed = await listedFiles(folder.path(movingFile));
      if (mixed.length > 0) await folder.#remove([boxesFile, ...mixed]);
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
      const earlier = await listedFiles(join(folder, boxesFile));
      const all = [...new Set([...earlier, ...files])];
      writeWhole(this.path(movingFile), JSON.stringify({ files: all }));
      // From here to the last rename the case counts as not done.
      await this.#remove([boxesFile, ...earlier.filter((file) => !files.includes(file))]);
      for (const file of [...files, boxesFile]) await rename(this.path(file), join(folder, file));
      await rm(this.#partial, { recursive: true, force: true });
    });
  }

  /** Removes what was written so far. */
  async discard(): Promise<void> {
    // An error of the removal must not hide why the case failed.
    await rm(this.#partial, { recursive: true, force: true }).catch(() => {});
  }

  async #remove(files: readonly string[]): Promise<void> {
    for (const file of files) await rm(join(this.#folder, file), { force: true });
  }
}

function partialFolder(output: string, name: string): string {
  return join(output, `.${name}.partial`);
}

/** Removes the partial folder that a run leaves if it crashes after the case's last file is in place. */
export async function removeRemains(output: string, name: string): Promise<void> {
  const partial = partialFolder(output, name);
  await writing(partial, () => rm(partial, { recursive: true, force: true }));
}

async function writing(path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (cause) {
    throw cause instanceof MedLsamError ? cause : unwritable(path, cause);
  }
}

/** File names for organs' masks. @throws UsageError if two organs would share one. */
export function maskFiles(organs: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const organ of organs) {
    // Names come from files and must not lead to another folder or hide the file.
    const safe = organ.replace(/[^\p{L}\p{M}\p{N} ._+()-]/gu, "_").trim();
    const file = `${cut(safe.replace(/^\.+/, "_")).trim() || "_"}.nii.gz`;
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

/** File systems allow a name 255 bytes; some are left for the ending and a temporary file's. */
function cut(name: string): string {
  const characters = [...name];
  while (Buffer.byteLength(characters.join("")) > 200) characters.pop();
  return characters.join("");
}
