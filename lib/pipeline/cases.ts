/** Which scans a command is to work on: files, folders, lists, and this machine's share of them. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError, UsageError } from "../base/errors.js";
import { imageStem, isLabelStem, isNifti, stemOf } from "../formats/scan-names.js";
import { readAnnotationText } from "../formats/text-file.js";

/** A scan of a dataset. */
export interface Case {
  /** The file's name without `.nii` or `.nii.gz`; no two cases share one. */
  name: string;
  image: string;
}

/**
 * The images that these paths stand for, in their order: an image itself; a folder, for the `.nii` and `.nii.gz` in it by
 * name, hidden ones and label maps beside their image (`NAME_label`, `NAME_seg`) left out; a `.txt` list, for its lines, which are paths from
 * the current folder.
 * @throws InputError for a list or folder that cannot be read or holds no image.
 */
export async function listImages(inputs: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(inputs.map(expand));
  return lists.flat();
}

async function expand(input: string): Promise<string[]> {
  if (/\.txt$/i.test(input)) return readImageList(input);
  const found = await stat(input).catch(() => undefined);
  if (!found?.isDirectory()) return [input];
  const names = (await readdir(input))
    .filter((name) => isNifti(name) && !name.startsWith("."))
    .sort();
  const stems = new Set(names.map(stemOf));
  const images = names.filter(
    (name) => !isLabelStem(stemOf(name)) || !stems.has(imageStem(stemOf(name))),
  );
  if (images.length > 0) return images.map((name) => join(input, name));
  throw new InputError("FILE_NOT_FOUND", `${input}: no .nii or .nii.gz in this folder.`);
}

/** The paths in a list, one a line; empty lines and those that begin with # are passed over. */
export async function readImageList(path: string): Promise<string[]> {
  const lines = (await readAnnotationText(path)).split(/\r\n|\n|\r/).map((line) => line.trim());
  const images = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (images.length > 0) return images;
  throw new InputError(
    "BAD_ANNOTATION",
    `${path}: the list is empty. Write one image path a line.`,
  );
}

/** The cases of these images. @throws UsageError if two would have the same name. */
export function casesOf(images: readonly string[]): Case[] {
  const seen = new Map<string, string>();
  return images.map((image) => {
    const name = stemOf(image);
    if (/^\.*$/.test(name))
      throw new UsageError(`${image}: this file's name cannot name a folder.`);
    const other = seen.get(name);
    if (other !== undefined) {
      throw new UsageError(
        `${other} and ${image} would both be written to ${name}. Give images of different names, or run them apart.`,
      );
    }
    seen.set(name, image);
    return { name, image };
  });
}

/** A part of a dataset, for one of several machines. */
export interface Shard {
  numParts: number;
  /** From 0. */
  partId: number;
}

/**
 * The shard this process is to work on; without `partId` the one that SLURM's array (`SLURM_ARRAY_TASK_ID`, counted from
 * `SLURM_ARRAY_TASK_MIN`) or Kubernetes' indexed job (`JOB_COMPLETION_INDEX`) gives it.
 * @throws UsageError if nothing says which, or there is no such part.
 */
export function chooseShard(
  given: { numParts?: number; partId?: number },
  environment: NodeJS.ProcessEnv,
): Shard | undefined {
  const { numParts } = given;
  if (numParts === undefined) {
    if (given.partId === undefined) return undefined;
    throw new UsageError("--part-id says which part: say of how many with --num-parts.");
  }
  const partId = given.partId ?? partFromScheduler(environment);
  if (partId === undefined) {
    throw new UsageError(
      "--num-parts needs --part-id, or SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX in the environment.",
    );
  }
  if (partId >= 0 && partId < numParts) return { numParts, partId };
  throw new UsageError(
    `Part ${partId} of ${numParts}: parts are counted from 0 to ${numParts - 1}.`,
  );
}

function partFromScheduler(environment: NodeJS.ProcessEnv): number | undefined {
  const number = (name: string) => {
    const text = environment[name];
    if (text === undefined) return undefined;
    if (/^\d+$/.test(text)) return Number(text);
    throw new UsageError(
      `The environment variable ${name} is "${text}", which is no part's number.`,
    );
  };
  const slurm = number("SLURM_ARRAY_TASK_ID");
  if (slurm !== undefined) return slurm - (number("SLURM_ARRAY_TASK_MIN") ?? 0);
  return number("JOB_COMPLETION_INDEX");
}

/** Every numParts-th case from partId on, so that neighbours, often alike in size, are spread. */
export function casesOfShard(cases: readonly Case[], shard: Shard | undefined): Case[] {
  return cases.filter((_, i) => shard === undefined || i % shard.numParts === shard.partId);
}
