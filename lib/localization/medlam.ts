import { type CallOptions, callNative } from "../addon/call.js";
import type { ForwardResult, MedLamHandle, MedLamInfo } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import type { RuntimeOptions } from "../addon/runtimes.js";
import { aPath, checkArguments, instanceOf, typedArray, wholeNumber } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { type LoadedNetwork, loadNetwork } from "../checkpoints/network.js";

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
  /** Why it does not run on the device that was asked for, or on a GPU that is there; "" where it does. */
  readonly fallback: string;
  readonly #native: Owned<MedLamHandle>;

  private constructor(
    path: string,
    { info, note, fingerprint, fallback }: LoadedNetwork<MedLamInfo>,
  ) {
    this.path = path;
    this.note = note;
    this.width = info.width;
    this.patch = info.patch;
    this.parameters = info.parameters;
    this.fingerprint = fingerprint;
    this.device = info.device;
    this.fallback = fallback;
    this.#native = new Owned(info.handle, `The network ${path}`);
  }

  /** @internal */
  get handle(): MedLamHandle {
    return this.#native.handle;
  }

  /**
   * Loads a checkpoint of any kind that {@link Checkpoint} reads. `threads` and what {@link RuntimeOptions} say hold
   * for all later runs.
   * @throws InputError `BAD_CHECKPOINT` naming the tensor, the shape found and the shape wanted;
   * UnavailableError if the runtime or the device is missing.
   */
  static async load(path: string, options: CallOptions & RuntimeOptions = {}): Promise<MedLam> {
    checkArguments("MedLam.load", { path: [path, aPath] });
    const loaded = await loadNetwork(path, options, native.loadMedLam);
    return new MedLam(path, loaded);
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
    checkArguments("MedLam.run", {
      patches: [patches, typedArray(Float32Array)],
      deepestScale: [deepestScale, wholeNumber(-1, 2)],
    });
    if (patches.length === 0 || patches.length % this.patch ** 3 !== 0) {
      throw new UsageError(
        `Patches are ${this.patch}³ values each; ${patches.length} is not a multiple of that.`,
      );
    }
    return callNative(options, (task) =>
      native.medlamForward(this.handle, patches, deepestScale, task),
    );
  }

  /** Frees the weights and sessions as soon as nothing runs on them. */
  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @internal A network as public functions take it. */
export const aMedLam = instanceOf(MedLam, "MedLam.load");
