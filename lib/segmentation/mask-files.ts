/** Files of masks in the scan's own geometry, and pictures of them. */
import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { optionsOf } from "../base/arguments.js";
import { labelColor } from "../formats/label-names.js";
import { type PreviewPlane, previewPlanes } from "../formats/preview-planes.js";
import type { Box } from "../geometry/box.js";
import type { Volume } from "../volumes/volume.js";
import type { PromptedOrgan } from "./prompts.js";
import type { Masks } from "./segmenter.js";

/** Masks and the scan they are of. */
export interface Source {
  masks: Masks;
  volume: Volume;
  /** Said in every file; "" for nothing. */
  note: string;
}

/** An organ's part of a preview. */
export interface Shown {
  organ: number;
  name: string;
  boxes: readonly Box[];
  label: number;
}

export const shown = ({ name, label, boxes }: PromptedOrgan, organ: number): Shown => ({
  organ,
  name,
  label,
  boxes,
});

/** Options of a preview. */
export interface PreviewOptions extends CallOptions {
  /** Planes of the slices, from left to right; default: axial, coronal, sagittal. */
  planes?: readonly PreviewPlane[] | undefined;
}

export const somePlanes = z.array(z.enum(previewPlanes)).min(1);
export const previewOptions = optionsOf({ planes: somePlanes.optional() });

/** @param truth a label map's organ, drawn white. */
export async function writePreview(
  path: string,
  { masks, volume, note }: Source,
  organs: readonly Shown[],
  truth: { labels: Volume; label: number } | null,
  { planes = previewPlanes, ...options }: PreviewOptions,
): Promise<void> {
  const drawn = organs.map(({ organ, name, boxes, label }) => ({
    organ,
    name,
    boxes: Int32Array.from(boxes.flatMap(({ min, max }) => [...min, ...max])),
    color: Uint8Array.from(labelColor(label), (channel) => Math.round(255 * channel)),
  }));
  const white = truth && { labels: truth.labels.handle, label: truth.label };
  const numbers = Int32Array.from(planes, (plane) => previewPlanes.indexOf(plane));
  await callNative(options, (task) =>
    native.writePreview(masks.handle, volume.handle, drawn, white, numbers, path, note, task),
  );
}

export async function writeMasks(
  { masks, volume, note }: Source,
  organs: number[],
  labels: number[],
  path: string,
  labelXml: string,
  options: CallOptions,
): Promise<void> {
  const [from, to] = [Int32Array.from(organs), Int32Array.from(labels)];
  await callNative(options, (task) =>
    native.writeMasks(masks.handle, from, to, path, volume.handle, labelXml, note, task),
  );
}
