/** Where a scan's organs are: localized with templates, or read from files of boxes and points. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CallOptions, Progress } from "../addon/call.js";
import { InputError, UsageError } from "../base/errors.js";
import { requireKnown } from "../base/names.js";
import { boxesFile } from "../formats/boxes.js";
import { type LocalizeOptions, localize } from "../localization/localize.js";
import type { Localization } from "../localization/result.js";
import { mergePrompts, readBoxes, readPoints } from "../segmentation/prompt-files.js";
import type { OrganPrompt } from "../segmentation/prompts.js";
import type { PipelineModels } from "./models.js";
import type { OpenScan } from "./scan.js";

/** How organs are localized, see {@link LocalizeOptions}. */
export interface LocateOptions
  extends Pick<
    LocalizeOptions,
    | "scales"
    | "queryCenters"
    | "seed"
    | "survey"
    | "lattice"
    | "minScore"
    | "conventions"
    | "normalized"
    | "nan"
    | "organs"
    | "series"
    | "resampleSlices"
    | "modality"
  > {
  /**
   * Instead of templates: boxes that were written by localizing or segmenting, or Slicer's ROIs. A file, or for several
   * scans a folder of NAME.json, NAME.mrk.json or NAME/boxes.json.
   */
  boxes?: string;
  /** Instead of templates or besides boxes: Slicer's point lists or JSON. A file or a folder, as with boxes. */
  points?: string;
}

/** The organs' places in one scan. */
export interface LocatedOrgans {
  organs: Record<string, OrganPrompt>;
  /** Missing where the prompts come from files. */
  localization?: Localization;
}

/** Whether prompts come from files, so that no network localizes. */
export function hasPromptFiles({ boxes, points }: LocateOptions): boolean {
  return boxes !== undefined || points !== undefined;
}

/** @throws UsageError for options that no scan could be located with. */
export function checkLocating(models: PipelineModels, options: LocateOptions, scans: number): void {
  const { boxes, points, organs } = options;
  if (!hasPromptFiles(options)) {
    if (!models.templates) {
      throw new UsageError(
        "This pipeline has no templates to localize with: give boxes or points, or load it with templates and medlam.",
      );
    }
    const known = models.templates.organs.map(({ name }) => name);
    requireKnown("organ", organs, known, "The templates have");
  } else if (!models.segmenter) {
    throw new UsageError("Boxes and points are there to segment with: load a pipeline with a SAM.");
  }
  for (const [option, path] of Object.entries({ boxes, points })) {
    if (path !== undefined && scans > 1 && !isFolder(path)) {
      throw new UsageError(
        `${option}: ${path} is one file for ${scans} scans. Give a folder of NAME.json or NAME.mrk.json.`,
      );
    }
  }
}

/** @throws InputError for an unusable scan or file; UsageError for organs that a file does not have; AbortedError. */
export async function locateOrgans(
  { templates, medlam }: PipelineModels,
  name: string,
  scan: OpenScan,
  options: LocateOptions & CallOptions & { onProgress?: (progress: Progress) => void },
): Promise<LocatedOrgans> {
  if (hasPromptFiles(options)) return readPrompts(name, scan, options);
  if (!templates || !medlam) throw new UsageError("This pipeline has no templates.");
  const { volume, grid, seconds } = scan;
  const found = await localize(volume, { ...options, medlam, templates, grid });
  // The scan was read and gridded ahead: what that took belongs to the scan's time nevertheless.
  const total = seconds.read + seconds.grid + found.timing.total;
  const localization = { ...found, timing: { ...found.timing, ...seconds, total } };
  return { organs: localization.organs, localization };
}

async function readPrompts(
  name: string,
  { volume }: OpenScan,
  { boxes, points, organs: wanted }: LocateOptions,
): Promise<LocatedOrgans> {
  const organs = mergePrompts(
    boxes === undefined ? {} : await readBoxes(fileOf(boxes, name), volume),
    points === undefined ? {} : await readPoints(fileOf(points, name), volume),
  );
  requireKnown("organ", wanted, Object.keys(organs), "The file has");
  const chosen = Object.entries(organs).filter(([organ]) => wanted?.includes(organ) ?? true);
  return { organs: Object.fromEntries(chosen) };
}

/** The file itself, or the scan's file in the folder. */
function fileOf(path: string, name: string): string {
  if (!isFolder(path)) return path;
  const candidates = [`${name}.json`, `${name}.mrk.json`, join(name, boxesFile)];
  const found = candidates.map((file) => join(path, file)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new InputError(
    "FILE_NOT_FOUND",
    `${path}: holds none of ${candidates.join(", ")} for this scan.`,
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
