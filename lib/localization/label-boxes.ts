/** Boxes of a label map's organs: localization without error, to prompt a segmenter with or to compare with. */
import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { checkArguments, optionsOf, wholeNumber } from "../base/arguments.js";
import type { Box } from "../geometry/box.js";
import { type Volume, volumeSource, withVolume } from "../volumes/volume.js";

/** Options of {@link labelBoxes}. */
export interface LabelBoxesOptions extends CallOptions {
  /** By label, into how many parts the organ is cut; labels that are not named stay whole. */
  parts?: ReadonlyMap<number, number>;
}

/** Where a label lies in the stored voxels of its map; a prompt for `segment` as it is. */
export interface LabelBoxes {
  /** Around all its voxels. */
  box: Box;
  /** From the feet upward; `box` alone for a label that is not cut. */
  parts: Box[];
}

const labelBoxesOptions = optionsOf({
  parts: z.map(wholeNumber(1, 65535), wholeNumber(1, 65535)).optional(),
}).optional();

/**
 * Boxes of every label but 0 that occurs in a label map, whole and in parts as Sub-Patch Localization cuts organs along
 * head–feet (algorithm.md part 3), but in the map's own slices instead of slices of 3 mm. An organ of fewer slices than
 * parts is cut into fewer. Holds 2 bytes a voxel besides the map.
 * @returns by label, ascending.
 * @throws InputError `BAD_LABELS` for values that are not whole numbers from 0 to 65535, and for a map that cannot be read;
 *   UsageError; AbortedError.
 */
export async function labelBoxes(
  labels: string | Volume,
  options: LabelBoxesOptions = {},
): Promise<Map<number, LabelBoxes>> {
  checkArguments("labelBoxes", {
    labels: [labels, volumeSource],
    options: [options, labelBoxesOptions],
  });
  const { parts = new Map<number, number>(), ...call } = options;
  const cuts = Int32Array.from([...parts].flat());
  return withVolume(labels, call, async (volume) => {
    const found = await callNative(call, (task) =>
      native.labelBoxes({ volume: volume.handle, cuts }, task),
    );
    return new Map(found.map(({ label, ...boxes }) => [label, boxes]));
  });
}
