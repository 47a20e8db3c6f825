/** The files of a scan that was only localized: its boxes as JSON and, if wanted, as 3D Slicer's markups. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import { roiMarkups } from "../formats/roi-markups.js";
import type { Localization } from "../localization/result.js";
import type { Volume } from "../volumes/volume.js";
import type { ScanCase } from "./cases.js";

export interface BoxFiles {
  json: string;
  markups?: string;
}

/** Where a case's boxes go; nothing without an output. */
export function boxFiles(
  { name, boxes }: Pick<ScanCase, "name" | "boxes">,
  { output, markups = false }: { output?: string; markups?: boolean },
): BoxFiles | undefined {
  const json = boxes ?? (output === undefined ? undefined : join(output, `${name}.json`));
  if (json === undefined) return undefined;
  return markups ? { json, markups: `${json.replace(/\.json$/i, "")}.mrk.json` } : { json };
}

export function hasBoxFiles({ json, markups }: BoxFiles): boolean {
  return existsSync(json) && (markups === undefined || existsSync(markups));
}

/** Writes the markups first: once the JSON is there, all is. Returns the paths. @throws OutputError */
export function writeBoxes(
  { json, markups }: BoxFiles,
  localization: Localization,
  volume: Volume,
): string[] {
  makeFolder(dirname(json));
  if (markups !== undefined) {
    writeWhole(markups, `${formatJson(roiMarkups(localization, volume))}\n`);
  }
  writeWhole(json, `${formatJson(localization)}\n`);
  return [...(markups === undefined ? [] : [markups]), json];
}
