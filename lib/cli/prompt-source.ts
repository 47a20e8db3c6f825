/** Where `medlsam segment` has the organs' places from: templates and MedLAM, or files. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError, UsageError } from "../base/errors.js";
import { boxesFile } from "../formats/boxes.js";
import type { Grid, Localization, OrganPrompt, Progress, Volume } from "../index.js";
import type { SegmentFlags } from "./segment.js";
import type { Session } from "./session.js";

type Api = Awaited<ReturnType<Session["api"]>>;

export interface PromptSource {
  /** Whether `find` wants the scan's grid. */
  needsGrid: boolean;
  /** For the report. */
  facts: Record<string, string>;
  /** What the results must say of it; "" for nothing. */
  note: string;
  find(
    name: string,
    volume: Volume,
    grid: Grid | undefined,
    onProgress: (progress: Progress) => void,
  ): Promise<{ organs: Record<string, OrganPrompt>; localization?: Localization }>;
}

/** @throws UsageError for flags that say too little or too much. */
export async function promptSource(
  flags: SegmentFlags,
  images: number,
  api: Api,
  signal: AbortSignal,
): Promise<PromptSource> {
  const { templates, medlam, boxes, points } = flags;
  if (templates === undefined && medlam === undefined) {
    if (boxes === undefined && points === undefined) {
      throw new UsageError(
        "Say where the organs are: with templates and their network (-t FILE --medlam FILE), or with --boxes or --points. (To try it out: --models demo.)",
      );
    }
    return fromFiles(flags, images, api);
  }
  if (boxes !== undefined || points !== undefined) {
    throw new UsageError("Give either -t and --medlam, or --boxes and --points.");
  }
  if (templates === undefined) throw new UsageError("--medlam needs templates: -t FILE.");
  if (medlam === undefined)
    throw new UsageError("-t needs the network that made it: --medlam FILE.");
  return fromTemplates(flags, templates, medlam, api, signal);
}

async function fromTemplates(
  flags: SegmentFlags,
  templatesPath: string,
  medlamPath: string,
  api: Api,
  signal: AbortSignal,
): Promise<PromptSource> {
  const { threads, scales, conventions, seed, survey, minScore, roiSubset } = flags;
  const templates = await api.Templates.open(templatesPath, { signal });
  refuseUnknown(
    roiSubset,
    templates.organs.map(({ name }) => name),
    "The templates have",
  );
  const { runtime, device } = flags;
  const medlam = await api.MedLam.load(medlamPath, { runtime, device, threads, signal });
  templates.requireNetwork(medlam);
  return {
    needsGrid: true,
    facts: { templates: templates.path, medlam: medlam.fingerprint },
    note: medlam.note,
    async find(_name, volume, grid, onProgress) {
      const localization = await api.localize(volume, {
        ...{ medlam, templates, scales, conventions, seed, survey, minScore, grid },
        ...{ organs: roiSubset, threads, signal, onProgress },
      });
      return { organs: localization.organs, localization };
    },
  };
}

function fromFiles(flags: SegmentFlags, images: number, api: Api): PromptSource {
  const { boxes, points, roiSubset } = flags;
  for (const [option, path] of Object.entries({ boxes, points })) {
    if (path !== undefined && images > 1 && !isFolder(path)) {
      throw new UsageError(
        `--${option} ${path} is one file for ${images} scans. Give a folder of NAME.json or NAME.mrk.json.`,
      );
    }
  }
  return {
    needsGrid: false,
    facts: {},
    note: "",
    async find(name, volume) {
      const organs = api.mergePrompts(
        boxes === undefined ? {} : await api.readBoxes(fileOf(boxes, name), volume),
        points === undefined ? {} : await api.readPoints(fileOf(points, name), volume),
      );
      refuseUnknown(roiSubset, Object.keys(organs), "The file has");
      const chosen = Object.entries(organs).filter(
        ([organ]) => roiSubset === undefined || roiSubset.includes(organ),
      );
      return { organs: Object.fromEntries(chosen) };
    },
  };
}

/** The file itself, or that of this name in the folder. */
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

function refuseUnknown(wanted: string[] | undefined, known: string[], whose: string): void {
  const unknown = wanted?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length === 0) return;
  throw new UsageError(
    `--roi-subset: no organ is called ${unknown.join(", ")}. ${whose}: ${known.join(", ")}.`,
  );
}
