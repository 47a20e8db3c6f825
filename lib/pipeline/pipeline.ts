/** The job of a scan as one call: read, grid, localize, prompt, segment, write. */

import { z } from "zod";
import type { CallOptions } from "../addon/call.js";
import { checkArguments, instanceOf } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { stemOf } from "../formats/scan-names.js";
import { Volume, volumeSource } from "../volumes/volume.js";
import { runAllOptions, runOptions, someCases } from "./arguments.js";
import { isComplete, removeRemains } from "./case-folder.js";
import { casesOfShard, listImages, requireNames, type ScanCase, type Shard } from "./cases.js";
import type { CaseOutcome, PipelineEvent } from "./events.js";
import { ModelsWithFallback } from "./fallback.js";
import { checkLocating, hasPromptFiles } from "./locate.js";
import { type ModelFacts, PipelineModels, type PipelineOptions } from "./models.js";
import {
  checkOutputs,
  type ProcessedScan,
  type ProcessOptions,
  processScan,
} from "./process-scan.js";
import { Report } from "./report.js";
import type { ScanResult } from "./result.js";
import { type CaseReporter, runCases } from "./run-cases.js";
import { OpenScan } from "./scan.js";
import { boxFiles, hasBoxFiles } from "./write-boxes.js";

export type ScanEvent = PipelineEvent<ScanCase, ScanResult>;
export type ScanOutcome = CaseOutcome<ScanCase, ScanResult>;

/** Options of {@link Pipeline.run}. */
export interface RunOptions extends ProcessOptions, CallOptions {
  onEvent?: (event: ScanEvent) => void;
}

/** Options of {@link Pipeline.runAll}. */
export interface RunAllOptions extends RunOptions {
  /** Work on this part of the scans only. */
  shard?: Shard;
  /** Pass over scans whose results are complete. Needs an output. */
  skipExisting?: boolean;
  /**
   * Whether the next scan is read and put on the grid while one is worked on, and on a GPU the files of the one before are
   * written; true by default.
   */
  lookAhead?: boolean;
  /** File for a JSON report of the run, written when it ends, is left or fails. */
  report?: string;
  /** The report's `settings`; by default those of these options that are plain values. */
  settings?: object;
}

/**
 * Models that are loaded once, and the job of a scan with them. Several runs may go on at once and share the models.
 *
 *     const pipeline = await Pipeline.load({ templates, medlam, sam });
 *     const { segmentation, files } = await pipeline.run("scan.nii.gz", { output: "results" });
 *     pipeline.close();
 */
export class Pipeline {
  readonly #models: PipelineModels;
  readonly #fallback: ModelsWithFallback;

  private constructor(models: PipelineModels) {
    this.#models = models;
    this.#fallback = new ModelsWithFallback(models);
  }

  /**
   * Loads the models. What {@link RuntimeOptions} and `threads` say holds for all later runs.
   * @throws UsageError for models that do not go together; InputError for a file that cannot be used, `TEMPLATE_MISMATCH`
   * for templates of another network; UnavailableError if the runtime is missing; AbortedError.
   */
  static async load(options: PipelineOptions): Promise<Pipeline> {
    return new Pipeline(await PipelineModels.load(options));
  }

  /** Note that all results carry, such as that they come from demo models; "" for none. */
  get note(): string {
    return this.#models.note;
  }

  /** Reasons why networks do not run on the device that was asked for; empty where they do. */
  get fallbacks(): string[] {
    return this.#models.fallbacks;
  }

  /** Path of the templates, fingerprints of the weights, and the note, as a report lists them. */
  get models(): ModelFacts {
    return this.#models.facts;
  }

  /**
   * Does the job of one scan. All its files appear, or none: an aborted or failed run leaves what was there before.
   * @param scan a path; a volume or an {@link OpenScan}, which stays open and must be of these options' conventions.
   * @throws InputError, UsageError, OutputError; AbortedError. Each is reported as an event as well, but for the last.
   */
  async run(scan: string | Volume | OpenScan, options: RunOptions = {}): Promise<ScanResult> {
    checkArguments("Pipeline.run", { scan: [scan, aScan], options: [options, runOptions] });
    await this.#check(options, 1);
    const image = typeof scan === "string" ? scan : volumeOf(scan).path;
    const each = { name: stemOf(image) || "scan", image };
    for await (const outcome of runCases([each], this.#job(options, scan), options)) {
      if (outcome.status === "done") return outcome.result;
      if (outcome.status === "failed") throw outcome.error;
    }
    throw new UsageError("The scan was passed over.");
  }

  /**
   * Does the job of every scan and yields what became of each, in their order; a scan that fails does not stop the others.
   * Nothing is done before the first outcome is asked for, and a loop that is left ends the run.
   * @param scans paths: images, folders of them or `.txt` lists, see {@link listImages}; or cases.
   * @throws UsageError, InputError, OutputError for what no scan could be done with; AbortedError.
   */
  runAll(
    scans: readonly (string | ScanCase)[],
    options: RunAllOptions = {},
  ): AsyncGenerator<ScanOutcome, void, undefined> {
    const checked = { scans: [scans, someCases], options: [options, runAllOptions] } as const;
    checkArguments("Pipeline.runAll", checked);
    return this.#runAll(scans, options);
  }

  async *#runAll(
    scans: readonly (string | ScanCase)[],
    options: RunAllOptions,
  ): AsyncGenerator<ScanOutcome, void, undefined> {
    const all = await toCases(scans);
    if (options.output !== undefined) requireNames(all);
    await this.#check(options, all.length);
    if (options.skipExisting && all.some((each) => !this.#target(each, options))) {
      throw new UsageError("skipExisting needs an output: without one no result is complete.");
    }
    const report = new Report(options.settings ?? plain(options), this.models);
    const job = { ...this.#job(options), skip: (each: ScanCase) => this.#skip(each, options) };
    try {
      for await (const outcome of runCases(casesOfShard(all, options.shard), job, options)) {
        report.add(outcome);
        yield outcome;
      }
    } finally {
      // An interrupted run is reported too: it may have done hours of scans.
      if (options.report !== undefined) report.write(options.report);
    }
  }

  /** Reads a scan and puts it on the grid if these options localize it: what can be done ahead of its run. */
  async open(
    image: string | Volume,
    options: ProcessOptions & CallOptions & Partial<CaseReporter> = {},
  ): Promise<OpenScan> {
    const checked = { image: [image, volumeSource], options: [options, runOptions] } as const;
    checkArguments("Pipeline.open", checked);
    const device = this.#models.medlam?.device ?? "cpu";
    return OpenScan.open(image, { ...options, device, grid: !hasPromptFiles(options) });
  }

  /** Frees the models that were loaded from paths as soon as nothing runs on them. */
  close(): void {
    this.#fallback.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #check(options: ProcessOptions, scans: number): Promise<void> {
    checkLocating(this.#models, options, scans);
    await checkOutputs(this.#models, options);
  }

  #job(options: RunOptions, scan?: string | Volume | OpenScan) {
    const given = scan instanceof OpenScan ? scan : undefined;
    const volume = scan instanceof Volume ? scan : undefined;
    const unfinished = new Map<ScanResult, ProcessedScan["finish"]>();
    const finish = async (each: ScanCase, result: ScanResult, { onNote }: CaseReporter) => {
      await unfinished.get(result)?.();
      unfinished.delete(result);
      for (const { code, message } of result.warnings) {
        onNote(`${each.image}: ${message} (${code}).`);
      }
    };
    // A GPU is at the next scan while files are written. On the CPU each would slow the other down.
    const beside = this.#models.useGpu && { conclude: finish };
    return {
      prepare: async ({ image, series }: ScanCase, reporter: CaseReporter) =>
        given ??
        this.open(volume ?? image, {
          ...options,
          ...(series !== undefined && { series }),
          ...reporter,
        }),
      ...beside,
      work: async (each: ScanCase, ready: OpenScan, reporter: CaseReporter) => {
        const { onProgress, onNote } = reporter;
        for (const warning of ready.volume.warnings) onNote(`${each.image}: ${warning}.`);
        const freeGrid = given === undefined && !this.#fallback.mayRepeat;
        const process = (models: PipelineModels) =>
          processScan(models, each, ready, { ...options, onProgress, freeGrid });
        const say = (text: string) => onNote(`${each.image}: ${text}`);
        const { result, finish: write } = await this.#fallback.run(process, say);
        unfinished.set(result, write);
        if (!beside) await finish(each, result, reporter);
        return result;
      },
      release: (ready: OpenScan) => {
        if (ready !== given) ready.close();
      },
    };
  }

  /** Whether the case has somewhere to write to. */
  #target(each: ScanCase, options: RunAllOptions): boolean {
    return options.output !== undefined || (!this.#models.segmenter && each.boxes !== undefined);
  }

  async #skip(each: ScanCase, options: RunAllOptions): Promise<string | undefined> {
    const { output = "", skipExisting = false } = options;
    if (!skipExisting) return undefined;
    if (!this.#models.segmenter) {
      const files = boxFiles(each, options);
      return files && hasBoxFiles(files) ? `${files.json} is there` : undefined;
    }
    if (!(await isComplete(output, each.name))) return undefined;
    await removeRemains(output, each.name);
    return "boxes.json is there";
  }
}

const aScan = z.union(
  [volumeSource, instanceOf(OpenScan, "Pipeline.open")],
  "must be a path, as text, a Volume (Volume.read gives one) or an OpenScan (Pipeline.open gives one)",
);

function volumeOf(scan: Volume | OpenScan): Volume {
  return scan instanceof OpenScan ? scan.volume : scan;
}

async function toCases(scans: readonly (string | ScanCase)[]): Promise<ScanCase[]> {
  const lists = await Promise.all(
    scans.map(async (scan): Promise<ScanCase[]> => {
      if (typeof scan !== "string") return [scan];
      return (await listImages([scan])).map((image) => ({ name: stemOf(image), image }));
    }),
  );
  return lists.flat();
}

/** The options that JSON can hold, but for the series: its number, name or UID stays out of files. */
function plain(all: RunAllOptions): object {
  const { signal, onEvent, onMasks, slices, series, codes, reference, ...options } = all;
  return options;
}
