/**
 * The published evaluation, run from its own configs: templates from the support scans, then every query scan localized
 * and, if a segmentation network is named, segmented, and compared with its label map. In `reference` conventions.
 *
 * Where the published code stops or loses a result by accident this does not: a class is compared over all parts of
 * its box; a slice on which a class is in neither mask does not drop that class; a class that no case has is left out of
 * the tables. A class whose predicted or true mask is empty has no HD95; as in the published code the mean leaves it out, and a note
 * is emitted.
 */
import { join } from "node:path";
import { z } from "zod";
import type { CallOptions, Progress } from "../addon/call.js";
import type { RuntimeOptions } from "../addon/runtimes.js";
import { aFunction, aPath, checkArguments, optionsOf } from "../base/arguments.js";
import { makeFolder } from "../formats/files.js";
import { stemOf } from "../formats/scan-names.js";
import type { Box } from "../geometry/box.js";
import { buildTemplates } from "../localization/build.js";
import { MedLam } from "../localization/medlam.js";
import type { Localization } from "../localization/result.js";
import type { Templates } from "../localization/templates.js";
import type { CaseOutcome, NamedCase } from "../pipeline/events.js";
import { Pipeline } from "../pipeline/pipeline.js";
import { type CaseReporter, type RunCasesOptions, runCases } from "../pipeline/run-cases.js";
import type { OpenScan } from "../pipeline/scan.js";
import type { SegmentedOrgan } from "../segmentation/segmentation.js";
import { requireSameGeometry } from "../volumes/geometry.js";
import { Volume } from "../volumes/volume.js";
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
import { annotatedSlices, compareBoxes, compareMasks } from "./scores.js";

export interface PublishedRunOptions extends CallOptions, RuntimeOptions {
  /** Seed of the random query centers; 0 by default. */
  seed?: number;
  /** How far building the templates is. */
  onProgress?: (progress: Progress) => void;
}

const paths = z.array(aPath).min(1);
const publishedConfig = z.object(
  {
    ...{ supportImages: paths, supportLabels: paths, queryImages: paths, queryLabels: paths },
    ...{ classes: z.array(z.int()), scales: z.array(z.int()), medlam: aPath },
  },
  "must be a config (readPublishedConfig gives one)",
);

/** A query scan of a config. */
export interface QueryCase extends NamedCase {
  /** Place in the config's list, from 0. */
  readonly index: number;
  readonly image: string;
  readonly labels: string;
}

/** A query scan and its label map in memory. */
interface OpenQuery {
  scan: OpenScan;
  truth: Volume;
}

/** A config with its models loaded and its templates built. `close()` it after use. */
export class PublishedRun {
  readonly #name: string;
  readonly #config: PublishedConfig;
  readonly #options: PublishedRunOptions;
  readonly #pipeline: Pipeline;
  readonly #models: { medlam: MedLam; templates: Templates };
  /** Results so far, by class in the config's order. */
  readonly #localized: Map<number, LocalizedClass[]>;
  readonly #segmented: Map<number, SegmentedClass[]>;
  #done = 0;

  private constructor(
    name: string,
    config: PublishedConfig,
    options: PublishedRunOptions,
    pipeline: Pipeline,
    models: { medlam: MedLam; templates: Templates },
  ) {
    this.#name = name;
    this.#config = config;
    this.#options = options;
    this.#pipeline = pipeline;
    this.#models = models;
    this.#localized = new Map(config.classes.map((label) => [label, []]));
    this.#segmented = new Map(config.classes.map((label) => [label, []]));
  }

  /**
   * Makes the config's folders, loads its networks and builds the templates from its support scans.
   * @param name the config's file name, which names the results.
   * @throws InputError, UsageError, OutputError for what no case could do without; AbortedError.
   */
  static async prepare(
    name: string,
    config: PublishedConfig,
    options: PublishedRunOptions = {},
  ): Promise<PublishedRun> {
    checkArguments("PublishedRun.prepare", {
      name: [name, aPath],
      config: [config, publishedConfig],
      options: [options, optionsOf({ onProgress: aFunction.optional() })],
    });
    for (const folder of [config.segmentationFolder, config.pngFolder]) {
      if (folder !== undefined) makeFolder(folder);
    }
    const medlam = await MedLam.load(config.medlam, options);
    try {
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
        sliceInterval: config.sliceInterval,
      });
      const models = { medlam, templates };
      const pipeline = await Pipeline.load({ ...options, ...models, sam: config.sam?.path });
      return new PublishedRun(name, config, options, pipeline, models);
    } catch (error) {
      medlam.close();
      throw error;
    }
  }

  /**
   * Works through the query scans, writes masks and pictures as the config wants them, and yields what became of each
   * scan. Figures that cannot be computed are told as notes.
   * @throws AbortedError
   */
  cases(
    options: RunCasesOptions<QueryCase, void>,
  ): AsyncGenerator<CaseOutcome<QueryCase, void>, void, undefined> {
    const { queryImages, queryLabels } = this.#config;
    const cases = queryImages.map((image, index) => {
      const labels = queryLabels[index] as string;
      return { name: `${index} ${stemOf(image)}`, index, image, labels };
    });
    const job = {
      prepare: (each: QueryCase) => this.#open(each),
      work: (each: QueryCase, query: OpenQuery, reporter: CaseReporter) =>
        this.#work(each, query, reporter),
      release: ({ scan, truth }: OpenQuery) => {
        scan.close();
        truth.close();
      },
    };
    return runCases(cases, job, options);
  }

  /** The files of figures over the cases done so far; none where there is no such case. */
  files(): ResultFile[] {
    if (this.#done === 0) return [];
    return [
      ...localizationFiles(this.#name, this.#localized),
      ...(this.#config.sam ? segmentationFiles(this.#name, this.#segmented) : []),
    ];
  }

  close(): void {
    this.#pipeline.close();
    this.#models.templates.close();
    this.#models.medlam.close();
  }

  async #open({ image, labels }: QueryCase): Promise<OpenQuery> {
    const { threads, signal } = this.#options;
    const truth = await Volume.read(labels, { threads, signal });
    try {
      const scan = await this.#pipeline.open(image, { conventions: "reference", threads, signal });
      try {
        requireSameGeometry(truth.path, truth, image, scan.volume);
        return { scan, truth };
      } catch (error) {
        scan.close();
        throw error;
      }
    } catch (error) {
      truth.close();
      throw error;
    }
  }

  async #work(each: QueryCase, query: OpenQuery, reporter: CaseReporter): Promise<void> {
    const { threads, signal, seed } = this.#options;
    const { scan, truth } = query;
    const score = { threads, signal, onNote: reporter.onNote };
    const segmented: [number, SegmentedClass][] = [];
    const { localization } = await this.#pipeline.run(scan, {
      ...{ threads, signal, seed, scales: this.#config.scales, conventions: "reference" },
      // The published code has no verdicts.
      segmentAbsent: true,
      slices: (organs) => annotatedSlices(truth, organs, this.#config, { threads, signal }),
      onMasks: async ({ organs }, found) => {
        for (const organ of Object.values(organs)) {
          const scores = await compareMasks(organ, each.image, truth, score);
          if (scores) segmented.push([organ.label, scores]);
          await this.#writeOrgan(organ, found?.organs[organ.name]?.parts ?? [], each, truth);
        }
      },
      onEvent: (event) => {
        if (event.type === "progress") reporter.onProgress(event);
      },
    });
    const localized = await compareBoxes(localization as Localization, truth, score);
    for (const [label, scores] of localized) this.#localized.get(label)?.push(scores);
    for (const [label, scores] of segmented) this.#segmented.get(label)?.push(scores);
    this.#done++;
  }

  async #writeOrgan(
    organ: SegmentedOrgan,
    parts: readonly Box[],
    { index, image }: QueryCase,
    truth: Volume,
  ): Promise<void> {
    const [name, config] = [this.#name, this.#config];
    if (config.segmentationFolder !== undefined) {
      const file = maskName(name, image, index, organ.label);
      await organ.write(join(config.segmentationFolder, file), this.#options);
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
      await organ.writePreview(join(config.pngFolder, file), [box], shown, this.#options);
    }
  }
}
