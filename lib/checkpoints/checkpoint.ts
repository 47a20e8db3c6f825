import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type { CheckpointHandle, CheckpointInfo, TensorInfo } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import { aPath, checkArguments, optionsOf } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { noteIn } from "./notes.js";

/** A tensor in a checkpoint. */
export type { TensorInfo };

/** Options of {@link Checkpoint.write}. */
export interface CheckpointWriteOptions extends CallOptions {
  /** Stores floating-point tensors as float16, rounded to nearest, at half the size. Networks still compute in float32. */
  float16?: boolean;
  /**
   * Stores large tensors of two axes and more as int8 with a scale for each output channel, the others as float16, at a quarter of the
   * size. The weights change by up to 0.4 % of the greatest of their channel, and with them the network's fingerprint: templates have to
   * be made with this file.
   */
  int8?: boolean;
  /** Added to {@link Checkpoint.metadata}; its `note` is copied into all results. */
  metadata?: Readonly<Record<string, string>>;
}

const writeOptions = optionsOf({
  float16: z.boolean().optional(),
  int8: z.boolean().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

/**
 * A file of weights: a PyTorch `.pth` or training `.tar` (zip, or the pickle stream of before 1.6) or safetensors.
 * Opening maps the file and reads its table of contents; no tensor but int8 weights is copied and no pickle is executed.
 */
export class Checkpoint {
  readonly path: string;
  /** "pytorch zip", "pytorch legacy", "safetensors" or "safetensors int8", whose int8 tensors are opened as float32. */
  readonly format: string;
  /** The tensors in alphabetical order of their names, without a leading `module.`. */
  readonly tensors: readonly TensorInfo[];
  /** Other entries of the file, as text: a training checkpoint's epoch, safetensors' metadata. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #native: Owned<CheckpointHandle>;

  private constructor(path: string, info: CheckpointInfo) {
    this.path = path;
    this.format = info.format;
    this.tensors = info.tensors;
    this.metadata = info.metadata;
    this.#native = new Owned(info.handle, `The checkpoint ${path}`);
  }

  /** @internal */
  get handle(): CheckpointHandle {
    return this.#native.handle;
  }

  /** @throws InputError `FILE_NOT_FOUND`, `READ_FAILED` or `BAD_CHECKPOINT`. */
  static async open(path: string, options: CallOptions = {}): Promise<Checkpoint> {
    checkArguments("Checkpoint.open", { path: [path, aPath] });
    return new Checkpoint(
      path,
      await callNative(options, (task) => native.openCheckpoint(path, task)),
    );
  }

  /** Network that the tensor names belong to; it may lie under a prefix ("sam."). */
  get looksLike(): "MedLAM" | "SAM" | "medlsam templates" | "unknown" {
    const has = (wanted: string) =>
      this.tensors.some(({ name }) => name === wanted || name.endsWith(`.${wanted}`));
    if (has("conv0_1.model.conv1_1.Conv.weight") && has("fc3.weight")) return "MedLAM";
    if (has("image_encoder.patch_embed.proj.weight")) return "SAM";
    if (has("kernel2") && has("agreement")) return "medlsam templates";
    return "unknown";
  }

  /**
   * The warning that everything made with these weights must carry (the metadata's `note`), on one line, or "". Demo
   * models have one.
   */
  get note(): string {
    return noteIn(this.metadata);
  }

  /** Number of elements of all tensors. */
  get parameters(): number {
    const count = ({ shape }: TensorInfo) => shape.reduce((product, extent) => product * extent, 1);
    return this.tensors.reduce((sum, tensor) => sum + count(tensor), 0);
  }

  /**
   * A copy of a tensor's bytes, little-endian and row-major; F16 and BF16 come as float32.
   * @throws UsageError if there is no such tensor.
   */
  async tensor(name: string, options: CallOptions = {}): Promise<ArrayBuffer> {
    checkArguments("Checkpoint.tensor", { name: [name, z.string()] });
    if (!this.tensors.some((tensor) => tensor.name === name)) {
      throw new UsageError(`${this.path} has no tensor "${name}".`);
    }
    return callNative(options, (task) => native.tensorData(this.handle, name, task));
  }

  /**
   * Writes all tensors as safetensors, whole or not at all.
   * @throws UsageError for both types at once; InputError `BAD_CHECKPOINT` for a number that the type cannot hold; OutputError.
   */
  async write(path: string, options: CheckpointWriteOptions = {}): Promise<void> {
    checkArguments("Checkpoint.write", { path: [path, aPath], options: [options, writeOptions] });
    const metadata = { ...this.metadata, ...options.metadata };
    const { float16 = false, int8 = false } = options;
    if (float16 && int8)
      throw new UsageError("Weights are stored as float16 or as int8, not both.");
    const weights = int8 ? "int8" : float16 ? "float16" : "unchanged";
    await callNative(options, (task) =>
      native.writeCheckpoint(this.handle, path, weights, metadata, task),
    );
  }

  /** Unmaps the file as soon as nothing uses it. */
  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
