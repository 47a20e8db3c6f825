/** What the tests of `medlsam segment` share: networks, boxes that take little time, and masks read back. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Box } from "../../lib/index.js";
import { Volume } from "../../lib/index.js";
import { data } from "./command.js";

export const sam = data("sam/sam_tiny.pth");
export const scanShape = [110, 130, 150] as const;

/** What a boxes.json says of an organ. */
export interface BoxesOrgan {
  label?: number;
  present?: boolean;
  box?: Box;
  parts?: Box[];
  points?: { voxel: number[]; foreground: boolean }[];
}

/** Slices 40–47, of a spleen 44–50 in two parts that share slice 46, and a heart that is not there. */
export const organs = {
  liver: { label: 5, box: { min: [40, 40, 40], max: [47, 70, 80] } },
  spleen: {
    label: 1,
    parts: [
      { min: [44, 60, 60], max: [46, 90, 100] },
      { min: [46, 60, 70], max: [50, 95, 100] },
    ],
  },
  heart: { label: 3, present: false },
} satisfies Record<string, BoxesOrgan>;
export const promptedSlices = 11;
export const prompts = 15;

/** A file for `--boxes`. */
export function writeBoxes(
  path: string,
  of: Record<string, BoxesOrgan> = organs,
  shape: readonly number[] = scanShape,
): string {
  writeFileSync(path, JSON.stringify({ version: 1, shape, organs: of }));
  return path;
}

/** One organ on one slice: the least work there is. */
export const small = { liver: { box: { min: [40, 40, 40], max: [40, 70, 80] } } } satisfies Record<
  string,
  BoxesOrgan
>;

export async function readMask(path: string): Promise<Uint8Array> {
  return (await (await Volume.read(path)).stored()) as Uint8Array;
}

export function count(mask: ArrayLike<number>, value = 1): number {
  return Array.from(mask).filter((each) => each === value).length;
}

/** The header's fields that say where voxels lie. */
export function geometryBytes(path: string): Buffer {
  const header = gunzipSync(readFileSync(path)).subarray(0, 348);
  // dim[0 … 3], pixdim[0 … 3], qform_code to srow_z.
  return Buffer.concat([
    header.subarray(40, 48),
    header.subarray(76, 92),
    header.subarray(252, 328),
  ]);
}

/** By name, what is in the folder's files. */
export function hashes(folder: string, ending = ".nii.gz"): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return Object.fromEntries(
    names.sort().map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  );
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

/** Every file below, hidden ones too. */
export function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}
