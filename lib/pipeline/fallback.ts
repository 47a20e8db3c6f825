/** A scan that a GPU fails at is done again on the CPU, if that is asked for. */
import { UnavailableError } from "../base/errors.js";
import type { PipelineModels } from "./models.js";

/** The models of a pipeline, and those on the CPU that stand in for them. */
export class ModelsWithFallback {
  readonly models: PipelineModels;
  #onCpu: Promise<PipelineModels> | undefined;
  /** Set once the GPU was lost: it will not come back to this process. */
  #lost = false;

  constructor(models: PipelineModels) {
    this.models = models;
  }

  /** Whether work may be done twice, so that what it needs must be kept to its end. */
  get mayRepeat(): boolean {
    return this.models.hasFallback && !this.#lost;
  }

  /**
   * Does the work with the models and, if their GPU fails, once more with those on the CPU, where later work is done at once.
   * A GPU whose memory does not suffice for one patch or prompt is left for this work alone.
   * @param onNote told why the CPU takes over.
   */
  async run<Result>(
    work: (models: PipelineModels) => Promise<Result>,
    onNote: (text: string) => void,
  ): Promise<Result> {
    if (this.#lost) return work(await this.#cpuModels());
    try {
      return await work(this.models);
    } catch (error) {
      if (!this.models.hasFallback || !isOfGpu(error)) throw error;
      this.#lost = error.code === "DEVICE_FAILED";
      const which = this.#lost ? "this scan and all later ones are" : "this scan is";
      onNote(`the GPU failed, ${which} done on the CPU: ${error.message}`);
      return await work(await this.#cpuModels());
    }
  }

  close(): void {
    this.models.close();
    this.#onCpu?.then(
      (models) => models.close(),
      () => {},
    );
  }

  #cpuModels(): Promise<PipelineModels> {
    this.#onCpu ??= this.models.onCpu();
    return this.#onCpu;
  }
}

function isOfGpu(error: unknown): error is UnavailableError {
  return (
    error instanceof UnavailableError &&
    (error.code === "DEVICE_FAILED" || error.code === "OUT_OF_MEMORY")
  );
}
