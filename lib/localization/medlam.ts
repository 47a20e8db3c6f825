import { createHash } from "node:crypto";
import { type CallOptions, callNative } from "../addon/call.js";
import type { ForwardResult, MedLamHandle, MedLamInfo } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { findRuntime, type RuntimeOptions } from "../addon/runtimes.js";
import { UsageError } from "../base/errors.js";
import { Checkpoint } from "../checkpoints/checkpoint.js";

/** The MedLAM network (algorithm.md part 2), ready to run. Load it once and use it for any number of scans. */
export class MedLam {
  readonly path: string;
  /** {@link Checkpoint.note}: what is made with it repeats this. */
  readonly note: string;
  /** Base width B; the published network's is 24. */
  readonly width: number;
  /** Edge of a patch in voxels of the 3 mm grid; 64 as published. */
  readonly patch: number;
  /** Numbers in the tensors that are used. */
  readonly parameters: number;
  /** Names these weights: templates carry it and are refused with another network. */
  readonly fingerprint: string;
  /** Where it runs: "cpu" or "cuda:N". */
  readonly device: string;
  /** Why it does not run on the device that was asked for; "" where it does. */
  readonly fallback: string;
  /** @internal */
  readonly handle: MedLamHandle;

  private constructor(path: string, note: string, info: MedLamInfo) {
    this.path = path;
    this.note = note;
    this.width = info.width;
    this.patch = info.patch;
    this.parameters = info.parameters;
    this.fingerprint = createHash("sha256").update(info.digest).digest("hex").slice(0, 32);
    this.device = info.device;
    this.fallback = info.fallback;
    this.handle = info.handle;
  }

  /**
   * Loads a checkpoint of any kind that {@link Checkpoint} reads. `threads` and what {@link RuntimeOptions} say hold
   * for all later runs.
   * @throws InputError `BAD_CHECKPOINT` naming the tensor, the shape found and the shape wanted;
   * UnavailableError if the runtime or the device is missing.
   */
  static async load(path: string, options: CallOptions & RuntimeOptions = {}): Promise<MedLam> {
    const checkpoint = await Checkpoint.open(path, options);
    try {
      const runtime = await findRuntime(options);
      const load = callNative(options, (task) =>
        native.loadMedLam(checkpoint.handle, runtime, task),
      );
      return new MedLam(path, checkpoint.note, await load);
    } finally {
      checkpoint.close();
    }
  }

  /**
   * Runs the network on patches: (n, patch, patch, patch) values of a grid → n positions (z, y, x) in the unified
   * anatomical coordinate system and, up to `deepestScale`, n × 4·width feature maps of edge patch/4, patch/2, patch.
   */
  async run(
    patches: Float32Array,
    deepestScale: -1 | 0 | 1 | 2,
    options: CallOptions = {},
  ): Promise<ForwardResult> {
    if (patches.length === 0 || patches.length % this.patch ** 3 !== 0) {
      throw new UsageError(
        `Patches are ${this.patch}³ values each; ${patches.length} is no multiple of that.`,
      );
    }
    return callNative(options, (task) =>
      native.medlamForward(this.handle, patches, deepestScale, task),
    );
  }

  /** Frees the weights and sessions as soon as nothing runs on them. */
  close(): void {
    native.release(this.handle);
  }
}
