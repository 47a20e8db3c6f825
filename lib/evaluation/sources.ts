/** A prediction's or a truth's masks, opened no earlier than they are needed. */

import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type { MaskExtent } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import { labelNamesFromXml } from "../formats/label-names.js";
import { isScan } from "../formats/scan-names.js";
import { Volume, volumeSource } from "../volumes/volume.js";
import { isFolder, readCaseFolder } from "./case-files.js";
import { type Names, organLabels } from "./organ-names.js";

/**
 * Organs' masks on one grid: a label map (NIfTI file or volume), a folder of one case, or a 0/1 mask for each organ by
 * its name.
 */
export type MaskSource = string | Volume | Readonly<Record<string, string | Volume>>;

/** @internal */
export const maskSource = z.union(
  [volumeSource, z.record(z.string(), volumeSource)],
  "must be a path, as text, a Volume (Volume.read gives one), or one of them for each organ by its name",
);

/** Places of the masks, and of boxes next to them. */
export interface Located {
  masks?: string | Volume | ReadonlyMap<string, string | Volume>;
  boxes?: string;
  path: string;
}

/** @throws InputError for a path that is neither NIfTI, nor a case's folder, nor boxes' JSON. */
export async function locate(source: MaskSource): Promise<Located> {
  if (source instanceof Volume) return { masks: source, path: source.path };
  if (typeof source !== "string") return { masks: new Map(Object.entries(source)), path: "" };
  if (await isFolder(source)) {
    const { map, masks, boxes } = await readCaseFolder(source);
    return { masks: map ?? masks, ...(boxes !== undefined && { boxes }), path: source };
  }
  return isScan(source) || !/\.json$/i.test(source)
    ? { masks: source, path: source }
    : { boxes: source, path: source };
}

/** A label map in memory and what is in it. */
export interface LabelMap {
  path: string;
  volume: Volume;
  extents: ReadonlyMap<number, MaskExtent>;
  /** The names in its own label table. */
  table: Names;
  close(): void;
}

/** A mask that is made when it is asked for. */
export type OpenMask = (options: CallOptions) => Promise<Volume>;

/** A mask per organ, read one at a time. */
export type Masks = ReadonlyMap<string, string | Volume | OpenMask>;

export function isMap(source: LabelMap | Masks): source is LabelMap {
  return "volume" in source;
}

function openVolume(
  source: string | Volume | OpenMask,
  options: CallOptions,
): Promise<Volume> | Volume {
  if (source instanceof Volume) return source;
  return typeof source === "string" ? Volume.read(source, options) : source(options);
}

/** `role` stands for a volume that came from no file. */
export async function openLabelMap(
  source: string | Volume | OpenMask,
  role: string,
  options: CallOptions,
): Promise<LabelMap> {
  const volume = await openVolume(source, options);
  const path = volume.path || role;
  const close = () => {
    if (volume !== source) volume.close();
  };
  try {
    const counts = await callNative(options, (task) => native.countLabels(volume.handle, task));
    const extents = new Map(counts.map(({ label, ...extent }) => [label, extent]));
    return { path, volume, extents, table: labelNamesFromXml(volume.labelXml ?? ""), close };
  } catch (error) {
    close();
    // Native code does not know the file's name.
    if (!(error instanceof InputError)) throw error;
    throw new InputError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}

/** @throws InputError `BAD_LABELS` for values other than 0 and 1. */
async function openMask(
  source: string | Volume | OpenMask,
  role: string,
  options: CallOptions,
): Promise<LabelMap> {
  const mask = await openLabelMap(source, role, options);
  const found = [...mask.extents.keys()];
  if (found.every((value) => value === 1)) return mask;
  mask.close();
  const values = found.slice(0, 8).join(", ") + (found.length > 8 ? ", …" : "");
  throw new InputError(
    "BAD_LABELS",
    `${mask.path}: is not the mask of one organ: besides 0 it holds ${values}. Masks hold 0 and 1; to evaluate a label ` +
      "map give its file, not its folder.",
  );
}

/** One organ's voxels: those of `label` in `map`. */
export interface OrganMask {
  map: LabelMap;
  label: number;
  extent: MaskExtent;
  close(): void;
}

/** How to get at one organ's voxels. */
export type OpenOrgan = (options: CallOptions) => Promise<OrganMask>;

/** The organs that a segmentation has or knows, by name. `declared`: names of labels that it knows, occurring or not. */
export function organsOf(
  source: LabelMap | Masks,
  declared: Names,
  names: Names,
  rename: (name: string) => string,
  role: string,
): Map<string, OpenOrgan> {
  if (isMap(source)) {
    const labels = organLabels(source.path, [...source.extents.keys()], declared, names);
    return new Map(
      [...labels].map(([name, label]) => [name, async () => organIn(source, label, () => {})]),
    );
  }
  const masks = [...source].map(([name, mask]): [string, OpenOrgan] => [
    rename(name),
    async (options) => {
      const opened = await openMask(mask, `${role} ${name}`, options);
      return organIn(opened, 1, opened.close);
    },
  ]);
  return new Map(masks);
}

function organIn(map: LabelMap, label: number, close: () => void): OrganMask {
  return { map, label, extent: map.extents.get(label) ?? { voxels: 0, box: null }, close };
}
