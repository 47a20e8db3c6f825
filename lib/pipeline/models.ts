/** The models that a pipeline works with: loaded once, shared by all its scans. */
import type { CallOptions } from "../addon/call.js";
import type { RuntimeOptions } from "../addon/runtimes.js";
import { checkArguments } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { joinNotes } from "../checkpoints/notes.js";
import { MedLam } from "../localization/medlam.js";
import { type Strategy, Templates } from "../localization/templates.js";
import { checkModelFiles, models as modelSet } from "../models/model-sets.js";
import { Sam } from "../segmentation/sam.js";
import type { Segmenter } from "../segmentation/segmenter.js";
import { pipelineOptions } from "./arguments.js";

/**
 * Models that {@link Pipeline.load} loads. A path is loaded, and closed with the pipeline; an object stays its owner's to close.
 * Templates and their network are what localizes, a SAM or another segmenter is what segments; without a segmenter the
 * pipeline only localizes, without templates every run must be given its prompts.
 */
export interface PipelineOptions extends CallOptions, RuntimeOptions {
  /** A template file, and the MedLAM network that made it. */
  templates?: string | Templates;
  medlam?: string | MedLam;
  /** A SAM or MedSAM checkpoint. */
  sam?: string | Sam;
  /** Instead of `sam`: anything else that turns prompts into masks. */
  segmenter?: Segmenter;
  /** Instead of all of these: the name of a set of models that come with the package, see {@link modelSets}. */
  models?: string;
  /** Strategy of that set's templates: of whole organs ("wpl", by default) or of organs in parts. */
  strategy?: Strategy;
}

/** Names of the models for a report: paths, and fingerprints of weights. */
export interface ModelFacts {
  templates?: string;
  medlam?: string;
  sam?: string;
  segmenter?: string;
  note?: string;
}

/** The loaded models of a pipeline. */
export class PipelineModels {
  templates?: Templates;
  medlam?: MedLam;
  segmenter?: Segmenter;
  readonly #owned: { close(): void }[] = [];
  readonly #options: PipelineOptions;

  private constructor(options: PipelineOptions) {
    this.#options = options;
  }

  /** @throws UsageError for models that do not go together; InputError, UnavailableError for one that cannot be loaded. */
  static async load(options: PipelineOptions): Promise<PipelineModels> {
    checkArguments("Pipeline.load", { options: [options, pipelineOptions] });
    const files = await chooseModels(options);
    const models = new PipelineModels(options);
    try {
      const { templates, medlam, sam, segmenter } = files;
      if (templates !== undefined) {
        models.templates =
          typeof templates === "string"
            ? models.#own(await Templates.open(templates, options))
            : templates;
      }
      if (medlam !== undefined) {
        models.medlam =
          typeof medlam === "string" ? models.#own(await MedLam.load(medlam, options)) : medlam;
        models.templates?.requireNetwork(models.medlam);
      }
      if (sam === undefined) {
        if (segmenter !== undefined) models.segmenter = segmenter;
      } else {
        models.segmenter =
          typeof sam === "string" ? models.#own(await Sam.load(sam, options)) : sam;
      }
      return models;
    } catch (error) {
      models.close();
      throw error;
    }
  }

  /** Note about the models that results must carry, such as that they are demo models; "" for nothing. */
  get note(): string {
    return joinNotes(this.medlam?.note, this.segmenter?.note);
  }

  /** Why networks do not run on the device that was asked for; empty where they do. */
  get fallbacks(): string[] {
    const reasons = this.#networks.map((network) => network.fallback);
    return [...new Set(reasons)].filter((reason) => reason !== "");
  }

  get facts(): ModelFacts {
    const { templates, medlam, segmenter, note } = this;
    const sam = segmenter instanceof Sam ? segmenter.fingerprint : undefined;
    return {
      ...(templates && { templates: templates.path }),
      ...(medlam && { medlam: medlam.fingerprint }),
      ...(sam !== undefined && { sam }),
      ...(segmenter && sam === undefined && { segmenter: segmenter.name }),
      ...(note !== "" && { note }),
    };
  }

  /** Whether a network computes on a GPU. */
  get useGpu(): boolean {
    return this.#networks.some(({ device }) => device !== "cpu");
  }

  /** Whether work that a GPU fails at is to be done on the CPU. */
  get hasFallback(): boolean {
    return this.#options.fallback === "cpu" && this.useGpu;
  }

  /** The same models with their networks on the CPU, loaded anew; they are the caller's to close, the templates are not. */
  async onCpu(): Promise<PipelineModels> {
    const { threads, signal } = this.#options;
    const how = { threads, signal, device: "cpu" };
    const models = new PipelineModels({ ...this.#options, device: "cpu" });
    if (this.templates) models.templates = this.templates;
    if (this.segmenter) models.segmenter = this.segmenter;
    try {
      if (this.medlam) models.medlam = models.#own(await MedLam.load(this.medlam.path, how));
      if (this.segmenter instanceof Sam) {
        models.segmenter = models.#own(await Sam.load(this.segmenter.path, how));
      }
      return models;
    } catch (error) {
      models.close();
      throw error;
    }
  }

  get #networks(): (MedLam | Sam)[] {
    const { medlam, segmenter } = this;
    return [...(medlam ? [medlam] : []), ...(segmenter instanceof Sam ? [segmenter] : [])];
  }

  /** Frees what was loaded from paths. */
  close(): void {
    for (const model of this.#owned.splice(0)) model.close();
  }

  #own<Model extends { close(): void }>(model: Model): Model {
    this.#owned.push(model);
    return model;
  }
}

async function chooseModels(options: PipelineOptions): Promise<PipelineOptions> {
  const { templates, medlam, sam, segmenter, models, strategy } = options;
  if (models !== undefined) {
    if (templates ?? medlam ?? sam ?? segmenter) {
      throw new UsageError(
        "Pipeline.load: the models of a set come together: leave out all others, or models.",
      );
    }
    const kind = strategy === "spl" ? "partTemplates" : "templates";
    await checkModelFiles(models, ["medlam", "sam", kind], options);
    const { files } = modelSet(models);
    return { medlam: files.medlam, sam: files.sam, templates: files[kind] };
  }
  if (strategy !== undefined) {
    throw new UsageError("Pipeline.load: strategy chooses templates of a set: give models.");
  }
  if (sam && segmenter) throw new UsageError("Pipeline.load: give sam or segmenter, not both.");
  if (templates && !medlam) {
    throw new UsageError("Pipeline.load: templates need the network that made them, medlam.");
  }
  if (medlam && !templates) throw new UsageError("Pipeline.load: medlam needs templates.");
  if (!templates && !sam && !segmenter) {
    throw new UsageError(
      "Pipeline.load: give templates and medlam to localize with, sam or a segmenter to segment with, or models.",
    );
  }
  return { templates, medlam, sam, segmenter };
}
