/**
 * The published evaluation, run from its own configs: templates from the support scans, then every query scan localized
 * and, if a segmentation network is named, segmented, and compared with its label map. In `reference` conventions.
 *
 * Where the published code stops or loses a result by accident this does not: a class is compared over all parts of
 * its box; a slice on which a class is in neither mask does not drop that class; a class that no case has is left out of
 * the tables. A class whose predicted or true mask is empty has no HD95, and as there counts in no mean; it is said.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type CallOptions, callNative, type Progress } from "../addon/call.js";
import { native } from "../addon/loader.js";
import type { RuntimeOptions } from "../addon/runtimes.js";
import { InputError } from "../base/errors.js";
import { type Box, unionBox } from "../geometry/box.js";
import { buildTemplates } from "../localization/build.js";
import { localize } from "../localization/localize.js";
import { MedLam } from "../localization/medlam.js";
import type { Localization } from "../localization/result.js";
import type { Templates } from "../localization/templates.js";
import { Sam } from "../segmentation/sam.js";
import { segment } from "../segmentation/segment.js";
import type { SegmentedOrgan } from "../segmentation/segmentation.js";
import { requireSameGeometry } from "../volumes/geometry.js";
import { type Volume, withVolume } from "../volumes/volume.js";
import type { PublishedConfig } from "./config.js";
import {
  type LocalizedClass,
  localizationFiles,
  maskName,
  pngName,
  type ResultFile,
  type SegmentedClass,
  segmentationFiles,
} from "./results.js";

export interface PublishedRunOptions extends CallOptions, RuntimeOptions {
  /** Of the random query centres; 0 by default. */
  seed?: number;
  onProgress?: (progress: Progress) => void;
  /** A case is done, or failed. */
  onCase?: (image: string, error?: unknown) => void;
  /** What could not be counted and why, in words. */
  onNote?: (note: string) => void;
}

/** A case's results so far, by class in the config's order. */
interface Found {
  localized: Map<number, LocalizedClass[]>;
  segmented: Map<number, SegmentedClass[]>;
}

interface Run extends PublishedRunOptions {
  name: string;
  config: PublishedConfig;
  medlam: MedLam;
  sam: Sam | undefined;
  templates: Templates;
}

/**
 * Runs a config, writes masks and pictures as it goes, and returns the files of figures. A case that fails is told to
 * `onCase`, and the others go on.
 * @param name the config's file name, which names the results.
 * @throws InputError, UsageError for what no case could do without; AbortedError.
 */
export async function runPublished(
  name: string,
  config: PublishedConfig,
  options: PublishedRunOptions,
): Promise<ResultFile[]> {
  for (const folder of [config.segmentationFolder, config.pngFolder])
    if (folder !== undefined) await mkdir(folder, { recursive: true });
  const medlam = await MedLam.load(config.medlam, options);
  const sam = config.sam && (await Sam.load(config.sam.path, options));
  const templates = await buildTemplates({
    ...options,
    medlam,
    supports: config.supportImages.map((image, i) => ({
      image,
      labels: config.supportLabels[i] as string,
    })),
    strategy: config.strategy,
    classes: config.classes,
    conventions: "reference",
    ...(config.sliceInterval !== undefined && { sliceInterval: config.sliceInterval }),
  });
  try {
    const found = await runCases({ ...options, name, config, medlam, sam, templates });
    return [
      ...localizationFiles(name, found.localized),
      ...(sam ? segmentationFiles(name, found.segmented) : []),
    ];
  } finally {
    templates.close();
    sam?.close();
    medlam.close();
  }
}

async function runCases(run: Run): Promise<Found> {
  const { config, signal, onCase } = run;
  const empty = <Value>() => new Map(config.classes.map((label): [number, Value[]] => [label, []]));
  const found: Found = { localized: empty(), segmented: empty() };
  for (const [index, image] of config.queryImages.entries()) {
    try {
      await withVolume(image, run, (volume) =>
        withVolume(config.queryLabels[index] as string, run, (truth) =>
          runCase({ index, image, volume, truth }, run, found),
        ),
      );
      onCase?.(image);
    } catch (error) {
      if (signal?.aborted) throw error;
      onCase?.(image, error);
    }
  }
  return found;
}

interface Case {
  index: number;
  image: string;
  volume: Volume;
  truth: Volume;
}

async function runCase(each: Case, run: Run, found: Found): Promise<void> {
  const { image, volume, truth } = each;
  const { config, medlam, templates, sam } = run;
  requireSameGeometry(truth.path, truth, image, volume);
  const { threads, signal, seed, onProgress } = run;
  const localization = await localize(volume, {
    ...{ medlam, templates, scales: config.scales, conventions: "reference" },
    ...{ threads, signal, seed, onProgress },
  });
  const extents = await callNative(run, (task) => native.countLabels(truth.handle, task));
  const boxes = new Map(extents.map(({ label, box }) => [label, box as Box]));
  for (const organ of Object.values(localization.organs)) {
    const box = boxes.get(organ.label);
    if (box === undefined) {
      run.onNote?.(`${truth.path}: class ${organ.label} is not annotated, and not counted`);
      continue;
    }
    const { iou, wallDistances } = native.boxOverlap(unionBox(organ.parts), box, truth.spacing);
    const [z, y, x] = wallDistances;
    found.localized.get(organ.label)?.push({
      ...{ parts: organ.parts, truth: box, spacing: truth.spacing },
      ...{ iou, wd: (z + y + x) / 3 },
    });
  }
  if (sam) await segmentCase(each, localization, sam, run, found);
}

async function segmentCase(
  each: Case,
  localization: Localization,
  sam: Sam,
  run: Run,
  found: Found,
): Promise<void> {
  const { threads, signal, onProgress } = run;
  const prompts = Object.fromEntries(
    Object.entries(localization.organs).map(([name, { label, parts }]) => [name, { label, parts }]),
  );
  const segmentation = await segment(each.volume, {
    ...{ segmenter: sam, organs: prompts, conventions: "reference" },
    slices: await annotatedSlices(each.truth, localization, run),
    ...{ threads, signal, onProgress },
  });
  try {
    for (const organ of Object.values(segmentation.organs)) {
      const scores = await compare(organ, each, run);
      if (scores) found.segmented.get(organ.label)?.push(scores);
      await writeOrgan(organ, localization.organs[organ.name]?.parts ?? [], each, run);
    }
  } finally {
    segmentation.close();
  }
}

/**
 * The slices that are evaluated: within the organs' boxes, the highest one's last slice excluded, those with more
 * annotated pixels than the threshold, of all classes together.
 */
async function annotatedSlices(
  truth: Volume,
  { organs }: Localization,
  run: Run,
): Promise<number[]> {
  const { classes, gtSliceThreshold } = run.config;
  const counts = await callNative(run, (task) =>
    native.labelledPixels(truth.handle, Int32Array.from(classes), task),
  );
  const parts = Object.values(organs).map((organ) => organ.parts);
  const axis = sliceAxis(truth);
  const first = Math.min(...parts.map((boxes) => boxes[0]?.min[axis] as number));
  const last = Math.max(...parts.map((boxes) => boxes.at(-1)?.max[axis] as number));
  return Array.from(counts.keys()).filter(
    (z) => z >= first && z < last && (counts[z] as number) > gtSliceThreshold,
  );
}

/** Which of the stored (z, y, x) runs nearest to head–foot: slices lie across it. */
function sliceAxis({ axes }: Volume): 0 | 1 | 2 {
  return (2 - [...axes].findIndex((code) => code === "S" || code === "I")) as 0 | 1 | 2;
}

async function compare(
  organ: SegmentedOrgan,
  { image, truth }: Case,
  run: Run,
): Promise<SegmentedClass | undefined> {
  const mask = await organ.toVolume(run);
  try {
    const labels = Int32Array.of(1, organ.label);
    const [measured] = await callNative(run, (task) =>
      native.compareLabels(mask.handle, truth.handle, labels, 0, task),
    );
    if (!measured) throw new InputError("BAD_LABELS", `${truth.path}: could not be compared.`);
    if (Number.isFinite(measured.hausdorff95)) {
      const voxels = measured.prediction.voxels + measured.truth.voxels;
      // The published code divides by the voxels and a little more.
      return { dice: (measured.dice * voxels) / (voxels + 1e-4), hd95: measured.hausdorff95 };
    }
    const which = organ.voxels === 0 ? "segmented" : "annotated";
    run.onNote?.(`${image}: class ${organ.label} has no ${which} voxel, and is not counted`);
    return undefined;
  } finally {
    mask.close();
  }
}

async function writeOrgan(
  organ: SegmentedOrgan,
  parts: readonly Box[],
  { index, image, truth }: Case,
  run: Run,
): Promise<void> {
  const { name, config } = run;
  if (config.segmentationFolder !== undefined) {
    const file = maskName(name, image, index, organ.label);
    await organ.write(join(config.segmentationFolder, file), run);
  }
  if (config.pngFolder === undefined) return;
  const shown = { labels: truth, label: organ.label };
  for (const [part, box] of parts.entries()) {
    const file = pngName(
      name,
      image,
      index,
      organ.label,
      config.strategy === "spl" ? part : undefined,
    );
    await organ.writePreview(join(config.pngFolder, file), [box], shown, run);
  }
}
