/** The job of one scan whose voxels are in memory: localize or read prompts, segment; and then write. */
import type { CallOptions, Progress } from "../addon/call.js";
import { UsageError } from "../base/errors.js";
import { secondsSince } from "../base/time.js";
import { type DicomUids, sourceUids } from "../dicom/source-uids.js";
import { describeBoxes } from "../formats/boxes.js";
import type { Localization } from "../localization/result.js";
import { withPlacement } from "../segmentation/dicom-files.js";
import type { OrganPrompt } from "../segmentation/prompts.js";
import { Sam } from "../segmentation/sam.js";
import { segment } from "../segmentation/segment.js";
import type { MaskFilter, Segmentation } from "../segmentation/segmentation.js";
import type { Segmenter } from "../segmentation/segmenter.js";
import { requireViewer } from "../viewer/page.js";
import { Volume } from "../volumes/volume.js";
import { maskFiles } from "./case-folder.js";
import type { ScanCase } from "./cases.js";
import { type LocatedOrgans, type LocateOptions, locateOrgans } from "./locate.js";
import type { PipelineModels } from "./models.js";
import { type ScanResult, type ScanSeconds, summarize } from "./result.js";
import type { OpenScan } from "./scan.js";
import { boxFiles, writeBoxes } from "./write-boxes.js";
import { type CaseOutputs, writeCase, writesMasks } from "./write-case.js";

/** Options of the job of one scan. */
export interface ProcessOptions extends LocateOptions, MaskFilter, CaseOutputs {
  /**
   * Folder for the results: `OUTPUT/NAME/` with masks and, last, `boxes.json`; of a pipeline without a segmenter
   * `OUTPUT/NAME.json`. Nothing is written without it.
   */
  output?: string;
  /** Without a segmenter, also `NAME.mrk.json`: the boxes for 3D Slicer. */
  markups?: boolean;
  /** Put the UIDs of a DICOM series into `boxes.json`; nothing of them is in any file otherwise. */
  dicomUids?: boolean;
  /** Also segment organs that the localization calls absent, in the boxes where they would be; false by default. */
  segmentAbsent?: boolean;
  /**
   * Axial slices that SAM runs on, from where the organs are: indices along the stored axis nearest to head–foot. All
   * by default.
   */
  slices?: (organs: Readonly<Record<string, OrganPrompt>>) => Promise<readonly number[]>;
  /** Called with the masks once they are written, before they are freed; the scan waits for it, and fails with it. */
  onMasks?: (segmentation: Segmentation, localization?: Localization) => Promise<void> | void;
}

/** @throws UsageError, InputError for outputs that no scan could be given. */
export async function checkOutputs(
  { segmenter }: PipelineModels,
  options: ProcessOptions,
): Promise<void> {
  if (options.slices && segmenter && !(segmenter instanceof Sam)) {
    throw new UsageError("slices says on which slices SAM runs: give the pipeline a sam.");
  }
  if (options.labelMap && options.formats?.includes("nifti") === false) {
    throw new UsageError("A label map (--ml) is a NIfTI file, which is not among the formats.");
  }
  if (options.markups && segmenter) {
    throw new UsageError("Markups are written where scans are only localized, not with masks.");
  }
  // A file that would be missing at the end had better be known before the networks run.
  if (options.page) await requireViewer();
}

type Options = ProcessOptions &
  CallOptions & {
    onProgress(progress: Progress): void;
    /** Whether the scan's grid is freed once the organs are located. */
    freeGrid: boolean;
  };

/** A scan that the networks are done with. */
export interface ProcessedScan {
  /** Complete once the scan is finished. */
  result: ScanResult;
  /** Writes files and frees the masks; to be called once. @throws OutputError; AbortedError. */
  finish(): Promise<void>;
}

/** @throws InputError, UsageError; AbortedError. */
export async function processScan(
  models: PipelineModels,
  each: ScanCase,
  scan: OpenScan,
  options: Options,
): Promise<ProcessedScan> {
  const series = models.segmenter && (await openReference(scan.volume, options));
  try {
    const reference = series && { reference: series };
    const placed = await processPlaced(models, each, scan, { ...options, ...reference });
    return { ...placed, finish: () => placed.finish().finally(() => series?.close()) };
  } catch (error) {
    series?.close();
    throw error;
  }
}

/**
 * The series that DICOM files refer to, where it is not the scan's own. Whether the scan's place in it is known had better be
 * said before the networks run.
 */
async function openReference(scan: Volume, options: Options): Promise<Volume | undefined> {
  const { formats = [], output, reference, signal, threads } = options;
  if (output === undefined || formats.every((format) => format === "nifti")) return undefined;
  const { series: wanted, resampleSlices, modality } = options;
  const call = { signal, threads, series: wanted, resampleSlices, modality };
  const needed = scan.source === undefined && typeof reference === "string";
  const series = needed ? await Volume.read(reference, call) : undefined;
  try {
    const from = series ?? reference;
    await withPlacement(scan, from === undefined ? {} : { reference: from }, async () => {});
    return series;
  } catch (error) {
    series?.close();
    throw error;
  }
}

async function processPlaced(
  models: PipelineModels,
  each: ScanCase,
  scan: OpenScan,
  options: Options,
): Promise<ProcessedScan> {
  const started = performance.now();
  const located = withUids(await locateOrgans(models, each.name, scan, options), scan, options);
  if (options.freeGrid) scan.releaseGrid();
  const { organs, localization } = located;
  const prompts = Object.values(organs);
  const result: ScanResult = {
    name: each.name,
    image: scan.volume.path,
    organs,
    ...(localization && { localization }),
    files: [],
    warnings: [...scan.volume.scanWarnings],
    counts: {
      organs: prompts.length,
      present: prompts.filter((organ) => organ.present !== false).length,
      ...{ patches: localization?.timing.patches ?? 0, encoderRuns: 0, prompts: 0 },
    },
    seconds: { ...noSeconds, ...scan.seconds, localize: secondsSince(started) },
  };
  const write = models.segmenter
    ? await segmentScan(models.segmenter, models.medlam, located, scan, options, result)
    : async () => writeLocalization(each, scan, options, result);
  const finish = async () => {
    await write();
    result.seconds.total = secondsSince(started);
  };
  return { result, finish };
}

/** The localization with the UIDs of a DICOM series, if they are asked for. */
function withUids(located: LocatedOrgans, scan: OpenScan, options: Options): LocatedOrgans {
  const { localization } = located;
  if (!localization) return located;
  const { timing, ...found } = localization;
  return { ...located, localization: { ...found, ...uidsOf(scan.volume, options), timing } };
}

function uidsOf({ source }: Volume, { dicomUids }: Options): { dicom?: DicomUids } {
  return dicomUids && source ? { dicom: sourceUids(source) } : {};
}

const noSeconds: ScanSeconds = {
  ...{ read: 0, grid: 0, localize: 0, prepare: 0, encode: 0, decode: 0, segment: 0 },
  ...{ write: 0, total: 0 },
};

function writeLocalization(
  each: ScanCase,
  { volume }: OpenScan,
  options: Options,
  result: ScanResult,
): void {
  const files = boxFiles(each, options);
  if (!files || !result.localization) return;
  const started = performance.now();
  result.files = writeBoxes(files, result.localization, volume);
  result.seconds.write = secondsSince(started);
}

/** Makes the masks; what comes back adds their files and figures to the result, and frees them. */
async function segmentScan(
  segmenter: Segmenter,
  medlam: PipelineModels["medlam"],
  located: LocatedOrgans,
  scan: OpenScan,
  options: Options,
  result: ScanResult,
): Promise<() => Promise<void>> {
  const { organs, localization } = located;
  const { output, segmentAbsent, slices } = options;
  // Names that cannot be files had better be known before the work is done.
  if (output !== undefined && writesMasks(options)) maskFiles(Object.keys(organs));
  const only = await slices?.(organs);
  const segmentation = await segment(scan.volume, {
    ...options,
    segmenter: only && segmenter instanceof Sam ? segmenter.onSlices(only) : segmenter,
    organs: segmentAbsent ? allPresent(organs) : organs,
    note: localization && medlam ? medlam.note : "",
  });
  return () => writeMasks(segmentation, located, scan, options, result);
}

async function writeMasks(
  segmentation: Segmentation,
  { organs, localization }: LocatedOrgans,
  { volume }: OpenScan,
  options: Options,
  result: ScanResult,
): Promise<void> {
  const { output, onProgress, onMasks } = options;
  try {
    const { timing } = segmentation;
    const started = performance.now();
    if (output !== undefined) {
      onProgress({ phase: "write", done: 0, total: 1 });
      const boxes = localization ?? {
        ...describeBoxes(organs, volume),
        ...uidsOf(volume, options),
      };
      const written = await writeCase(output, result.name, segmentation, boxes, options, options);
      result.files = written.files;
      result.warnings.push(...written.warnings);
    }
    await onMasks?.(segmentation, localization);
    result.segmentation = summarize(segmentation);
    const { encoderRuns = 0, prompts = 0 } = timing.counts;
    Object.assign(result.counts, { encoderRuns, prompts });
    const { prepare = 0, encode = 0, decode = 0, total } = timing.seconds;
    const write = secondsSince(started);
    Object.assign(result.seconds, { prepare, encode, decode, segment: total, write });
  } finally {
    segmentation.close();
  }
}

/** The prompts without the verdicts. */
function allPresent(organs: Readonly<Record<string, OrganPrompt>>): Record<string, OrganPrompt> {
  return Object.fromEntries(
    Object.entries(organs).map(([name, prompt]) => [name, { ...prompt, present: true }]),
  );
}
