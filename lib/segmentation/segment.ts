import { setMaxListeners } from "node:events";
import { z } from "zod";
import type { Progress } from "../addon/call.js";
import type { Conventions } from "../addon/contract/index.js";
import {
  aConvention,
  aFunction,
  checkArguments,
  optionsOf,
  wholeNumber,
} from "../base/arguments.js";
import { secondsSince } from "../base/time.js";
import { joinNotes } from "../checkpoints/notes.js";
import type { ReadOptions } from "../volumes/read.js";
import { Volume, volumeSource } from "../volumes/volume.js";
import { checkPrompts, type OrganPrompt, organPrompts } from "./prompts.js";
import { finishOrgan, type MaskFilter, Segmentation, type SegmentedOrgan } from "./segmentation.js";
import { aSegmenter, Masks, type Segmenter } from "./segmenter.js";

export interface SegmentOptions extends ReadOptions, MaskFilter {
  /** A {@link Sam}, or anything else that turns prompts into masks. */
  segmenter: Segmenter;
  /** Where the organs are, by name: what `localize` found (`localization.organs`), or boxes and points of your own. */
  organs: Readonly<Record<string, OrganPrompt>>;
  /** "exact" by default. */
  conventions?: Conventions;
  /** Note for the masks' files, next to the segmenter's own: that of the localization. */
  note?: string;
  onProgress?: (progress: Progress) => void;
}

/**
 * A segmentation under way: the promise of the whole, and each organ as soon as it is complete for who iterates over it. A
 * loop that is left early stops the work.
 */
export interface SegmentationRun extends Promise<Segmentation>, AsyncIterable<SegmentedOrgan> {}

/**
 * Segments organs in a scan from prompts (algorithm.md part 6). Holds the scan, the masks (2 bytes for every voxel of an
 * organ's bounding rectangles), and what the segmenter needs for one slice; several calls may run at once and share it.
 * Close the resulting {@link Segmentation} to free the masks.
 * @throws InputError for an unusable image; UsageError for prompts that do not fit it; AbortedError. Nothing is thrown
 * at the call itself: the promise rejects, and the loop throws. A run that is only iterated over leaves no rejection unhandled.
 */
export function segment(image: string | Volume, options: SegmentOptions): SegmentationRun {
  const stop = new AbortController();
  const organs: SegmentedOrgan[] = [];
  const listeners = new Set<(organ: SegmentedOrgan) => void>();
  const finished = run(image, options, stop.signal, (organ) => {
    organs.push(organ);
    for (const listen of listeners) listen(organ);
  });
  const iterate = () => {
    let leave = () => {};
    const stream = new ReadableStream<SegmentedOrgan>({
      start(controller) {
        for (const organ of organs) controller.enqueue(organ);
        const listen = (organ: SegmentedOrgan) => controller.enqueue(organ);
        listeners.add(listen);
        leave = () => listeners.delete(listen);
        finished.then(
          // A loop left early may find the work done nevertheless; its stream is closed already.
          () => listeners.has(listen) && controller.close(),
          (error) => controller.error(error),
        );
      },
      cancel() {
        leave();
        stop.abort();
      },
    });
    return stream[Symbol.asyncIterator]();
  };
  return Object.assign(finished, { [Symbol.asyncIterator]: iterate });
}

const segmentOptions = optionsOf({
  segmenter: aSegmenter,
  organs: organPrompts,
  conventions: aConvention.optional(),
  note: z.string().optional(),
  largestComponent: z.boolean().optional(),
  minVoxels: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
  onProgress: aFunction.optional(),
});

async function run(
  image: string | Volume,
  given: SegmentOptions,
  stop: AbortSignal,
  onOrgan: (organ: SegmentedOrgan) => void,
): Promise<Segmentation> {
  checkArguments("segment", { image: [image, volumeSource], options: [given, segmentOptions] });
  const signal = given.signal ? AbortSignal.any([given.signal, stop]) : stop;
  // Every organ's last steps listen to it, and Node warns of more than ten listeners.
  setMaxListeners(0, signal);
  const options = { ...given, signal };
  const { segmenter, conventions = "exact", onProgress } = options;
  const started = performance.now();
  const ownsVolume = typeof image === "string";
  if (ownsVolume) onProgress?.({ phase: "read", done: 0, total: 1 });
  const volume = ownsVolume ? await Volume.read(image, options) : image;
  const read = secondsSince(started);
  let masks: Masks | undefined;
  try {
    const organs = checkPrompts(options.organs, volume, conventions);
    const made = Masks.make(volume, organs.length, segmenter);
    masks = made;
    const note = joinNotes(options.note, segmenter.note, ...volume.warnings);
    const source = { masks: made, volume, note };
    const finishing = new Map<number, Promise<SegmentedOrgan>>();
    const finish = (index: number) => {
      const organ = organs[index];
      if (organ === undefined || finishing.has(index)) return;
      const ready = made
        .complete(index)
        .then(() => finishOrgan(organ, index, source, options, options))
        .then((done) => {
          onOrgan(done);
          return done;
        });
      ready.catch(() => {}); // heard at the end, or overtaken by the segmenter's own failure
      finishing.set(index, ready);
    };
    const work = await segmenter.segment({
      volume,
      organs,
      conventions,
      masks: made,
      threads: options.threads,
      signal,
      onProgress: (done, total) => onProgress?.({ phase: "segment", done, total }),
      onComplete: finish,
    });
    for (const index of organs.keys()) finish(index);
    const finished = await Promise.all(organs.map((_, index) => finishing.get(index)));
    const total = secondsSince(started);
    const timing = {
      counts: work.counts ?? {},
      seconds: { ...work.seconds, read, total },
    };
    return Segmentation.make(organs, finished as SegmentedOrgan[], timing, source, ownsVolume);
  } catch (error) {
    masks?.close();
    if (ownsVolume) volume.close();
    throw error;
  }
}
