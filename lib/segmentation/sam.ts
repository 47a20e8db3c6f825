import { existsSync } from "node:fs";
import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type {
  NativeOrganPrompt,
  SamGeometry,
  SamHandle,
  SamInfo,
} from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import type { RuntimeOptions } from "../addon/runtimes.js";
import { aPath, checkArguments, optionsOf, typedArray, wholeNumber } from "../base/arguments.js";
import { InputError, UsageError } from "../base/errors.js";
import { type LoadedNetwork, loadNetwork } from "../checkpoints/network.js";
import { parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import type { PromptedOrgan } from "./prompts.js";
import type { Segmenter, SegmenterWork, SegmentRequest } from "./segmenter.js";

/** A prompt on one slice, in pixels of the slice as SAM sees it (`imageSize` square). */
export interface SlicePrompt {
  /** Left, top, right, bottom. */
  box?: readonly [number, number, number, number];
  points?: readonly { x: number; y: number; foreground: boolean }[];
}

/** Masks for prompts on one slice. */
export interface SlicePrediction {
  /** (prompts, masks, imageSize/4, imageSize/4); foreground above 0. */
  logits: Float32Array;
  /** (prompts, masks): the IoU that SAM expects of each. */
  ious: Float32Array;
}

const decodeOptions = optionsOf({
  multimask: z.boolean().optional(),
  masks: typedArray(Float32Array).optional(),
});
const pixel = z.number();
const slicePrompts = z.array(
  z.object({
    box: z.tuple([pixel, pixel, pixel, pixel], "must be [left, top, right, bottom]").optional(),
    points: z.array(z.object({ x: pixel, y: pixel, foreground: z.boolean() })).optional(),
  }),
);

/**
 * SAM or MedSAM (algorithm.md 6.2 to 6.4), ready to run: ViT-B, L, H and any other size, read from the tensors of the
 * official checkpoint. Load it once and use it for any number of scans.
 */
export class Sam implements Segmenter {
  readonly name = "SAM";
  readonly path: string;
  /** {@link Checkpoint.note}: what is made with it repeats this. */
  readonly note: string;
  /** Edge of a slice in pixels; 1024 in the published models. */
  readonly imageSize: number;
  /** Edge of an embedding; 64 in the published models. */
  readonly grid: number;
  /** Channels of an embedding; 256 in the published models. */
  readonly channels: number;
  /** The image encoder's: 768, 12 and 12 are ViT-B. */
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly parameters: number;
  /** Names these weights. */
  readonly fingerprint: string;
  /** Where it runs: "cpu" or "cuda:N". */
  readonly device: string;
  /** Why it does not run on the device that was asked for, or on a GPU that is there; "" where it does. */
  readonly fallback: string;
  readonly #native: Owned<SamHandle>;

  private constructor(path: string, { info, note, fingerprint, fallback }: LoadedNetwork<SamInfo>) {
    this.path = path;
    this.note = note;
    this.imageSize = info.imageSize;
    this.grid = info.grid;
    this.channels = info.channels;
    this.width = info.width;
    this.depth = info.depth;
    this.heads = info.heads;
    this.parameters = info.parameters;
    this.fingerprint = fingerprint;
    this.device = info.device;
    this.fallback = fallback;
    this.#native = new Owned(info.handle, `The network ${path}`);
  }

  /**
   * Loads `sam_vit_*.pth`, `medsam_vit_b.pth` or the like. `threads` and what {@link RuntimeOptions} say hold for all later runs. A JSON file of the same
   * stem beside it (`{"heads", "window", "glob"}`), if there is one, must agree with the tensors.
   * @throws InputError `BAD_CHECKPOINT` naming the tensor, the shape found and the shape wanted, or the model it looks
   * like; UnavailableError if the runtime is missing.
   */
  static async load(path: string, options: CallOptions & RuntimeOptions = {}): Promise<Sam> {
    checkArguments("Sam.load", { path: [path, aPath] });
    const loaded = await loadNetwork(path, options, async (checkpoint, runtime, task) =>
      native.loadSam(checkpoint, await readGeometry(path), runtime, task),
    );
    return new Sam(path, loaded);
  }

  /** Slices (n, imageSize, imageSize), gray, 0 … 255 → embeddings (n, channels, grid, grid). */
  async encode(slices: Float32Array, options: CallOptions = {}): Promise<Float32Array> {
    checkArguments("Sam.encode", { slices: [slices, typedArray(Float32Array)] });
    const pixels = this.imageSize ** 2;
    if (slices.length === 0 || slices.length % pixels !== 0) {
      throw new UsageError(
        `Slices are ${this.imageSize}² values each; ${slices.length} is not a multiple of that.`,
      );
    }
    return callNative(options, (task) => native.samEncode(this.#native.handle, slices, task));
  }

  /**
   * Masks of one slice's prompts, which must have the same number of points each. `multimask`: three for each prompt
   * instead of one. `masks`: logits of an earlier run, (prompts, imageSize/4, imageSize/4), as further prompts.
   */
  async decode(
    embedding: Float32Array,
    prompts: readonly SlicePrompt[],
    options: CallOptions & { multimask?: boolean; masks?: Float32Array } = {},
  ): Promise<SlicePrediction> {
    checkArguments("Sam.decode", {
      embedding: [embedding, typedArray(Float32Array)],
      prompts: [prompts, slicePrompts],
      options: [options, decodeOptions],
    });
    const { multimask = false, masks } = options;
    const logits = (4 * this.grid) ** 2;
    if (embedding.length !== this.channels * this.grid ** 2) {
      throw new UsageError(
        `An embedding has ${this.channels}·${this.grid}² values, not ${embedding.length}.`,
      );
    }
    if (masks && masks.length !== prompts.length * logits) {
      throw new UsageError(
        `${prompts.length} mask prompts have ${logits} logits each, not ${masks.length} in all.`,
      );
    }
    const given = prompts.map(({ box, points = [] }) => ({
      box: box ? Float32Array.from(box) : null,
      points: Float32Array.from(points.flatMap(({ x, y, foreground }) => [x, y, +foreground])),
    }));
    return callNative(options, (task) =>
      native.samDecode(this.#native.handle, embedding, given, masks ?? null, multimask, task),
    );
  }

  /**
   * Part 6 over a scan: one encoder run for every slice with a prompt, all prompts of a slice decoded together, slices
   * streaming through. `segment` calls it. It counts `encoderRuns`, the slices encoded, and `prompts`, the masks decoded,
   * and measures the seconds of `prepare` (cutting slices out and resizing them), `encode` and `decode`.
   */
  segment(request: SegmentRequest): Promise<SegmenterWork> {
    return this.#segment(request, null, this);
  }

  /** A segmenter that is this SAM on some axial slices only: indices along the stored axis nearest to head–foot. */
  onSlices(slices: readonly number[]): Segmenter {
    checkArguments("Sam.onSlices", { slices: [slices, z.array(wholeNumber(0, 2 ** 31 - 1))] });
    const only = Int32Array.from(slices);
    const { name, note } = this;
    const segmenter: Segmenter = {
      ...{ name, note },
      segment: (request) => this.#segment(request, only, segmenter),
    };
    return segmenter;
  }

  async #segment(
    request: SegmentRequest,
    only: Int32Array | null,
    segmenter: Segmenter,
  ): Promise<SegmenterWork> {
    const { volume, masks, conventions, onComplete, onProgress } = request;
    const organs = request.organs.map(toNative);
    const [sam, scan, into] = [this.#native.handle, volume.handle, masks.handle];
    const plan = await callNative(request, (task) =>
      native.planSlices(sam, into, organs, only, task),
    );
    const alone = masks.isMadeBy(segmenter);
    let reported = 0;
    const work = await callNative(
      request,
      (task) => native.segmentSlices(sam, scan, into, plan.handle, conventions, alone, task),
      (done, total) => {
        for (const [organ, after] of plan.completeAfter.entries()) {
          if (after > reported && after <= done) onComplete(organ);
        }
        reported = done;
        onProgress(done, total);
      },
    ).finally(() => native.release(plan.handle));
    const { encoderRuns, prompts, prepareSeconds, encodeSeconds, decodeSeconds } = work;
    return {
      counts: { encoderRuns, prompts },
      seconds: { prepare: prepareSeconds, encode: encodeSeconds, decode: decodeSeconds },
    };
  }

  /** Frees the weights and sessions as soon as nothing runs on them. */
  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function toNative({ boxes, points }: PromptedOrgan): NativeOrganPrompt {
  return {
    boxes: Int32Array.from(boxes.flatMap(({ min, max }) => [...min, ...max])),
    points: Int32Array.from(points.flatMap(({ voxel, foreground }) => [...voxel, +foreground])),
  };
}

const size = z.int("must be a whole number").min(1, "must be at least 1");
const geometryFile = z.object({
  heads: size,
  window: size,
  glob: z.array(z.int().min(0), "glob must be a list of block numbers"),
});

/** Sizes in the JSON next to a checkpoint, or null if there is none. */
async function readGeometry(path: string): Promise<SamGeometry | null> {
  const beside = path.replace(/\.[^./\\]*$/, ".json");
  if (beside === path || !existsSync(beside)) return null;
  try {
    const json = parseJson(beside, await readAnnotationText(beside));
    const { heads, window, glob } = validate(beside, geometryFile, json);
    return { heads, window, globalBlocks: Int32Array.from(glob) };
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause;
    throw new InputError(
      "BAD_CHECKPOINT",
      `${cause.message} It is next to ${path} and must have that model's sizes; correct it or move it away.`,
      { cause },
    );
  }
}
