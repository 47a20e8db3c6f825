/** Prompts, which show a segmenter where the organs are: boxes, points or both, in stored voxels. */

import { z } from "zod";
import type { Conventions } from "../addon/contract/index.js";
import { UsageError } from "../base/errors.js";
import { aBox, aVoxel, type Box, type Triple } from "../geometry/box.js";
import type { Volume } from "../volumes/volume.js";

/** A stored voxel, (z, y, x), that is in the organ or, with `foreground` false, is not. */
export interface PromptPoint {
  voxel: Triple;
  /** true by default. */
  foreground?: boolean;
}

/** Where one organ is. What `localize` says of an organ is one. */
export interface OrganPrompt {
  /** The organ's value in a label map; the first free one by default. */
  label?: number;
  /** false: the organ is not in the scan, and gets an empty mask. */
  present?: boolean;
  /** Around the organ: stored voxels, inclusive, (z, y, x). */
  box?: Box;
  /** Boxes around parts of it, from the lowest up, used instead of `box`. Where two meet on a slice the later one counts. */
  parts?: readonly Box[];
  points?: readonly PromptPoint[];
}

/** @internal Prompts by organ as public functions take them; whether they fit the scan is {@link checkPrompts}' concern. */
export const organPrompts = z.record(
  z.string(),
  z.object(
    {
      label: z.number().optional(),
      present: z.boolean().optional(),
      box: aBox.optional(),
      parts: z.array(aBox).optional(),
      points: z.array(z.object({ voxel: aVoxel, foreground: z.boolean().optional() })).optional(),
    },
    "must be a prompt, such as { box: { min, max } }",
  ),
  "must be prompts by organ: what localize found (its organs), or { NAME: { box: { min, max } } }",
);

/** An organ to be segmented, checked. */
export interface PromptedOrgan {
  name: string;
  label: number;
  /** None of either: the organ is absent. */
  boxes: readonly Box[];
  points: readonly Required<PromptPoint>[];
}

const maxLabel = 65535;
const axes = [0, 1, 2] as const;

/**
 * The organs with labels of their own and prompts that meet the volume.
 * A part wholly outside the volume prompts nothing.
 * @throws UsageError naming the organ: a box that is upside down, an organ whose boxes are all outside the volume, a
 * point outside it, a label that two organs share. In "reference" conventions an organ outside the volume is passed over,
 * as the published code does.
 */
export function checkPrompts(
  organs: Readonly<Record<string, OrganPrompt>>,
  volume: Volume,
  conventions: Conventions,
): PromptedOrgan[] {
  const entries = Object.entries(organs);
  const labels = chooseLabels(entries);
  return entries.map(([name, prompt], i) => {
    const label = labels[i] as number;
    if (prompt.present === false) return { name, label, boxes: [], points: [] };
    const parts = prompt.parts ?? (prompt.box ? [prompt.box] : []);
    for (const box of parts) checkBox(name, box);
    const boxes = parts.filter((box) => meets(box, volume.shape));
    if (boxes.length === 0 && conventions !== "reference") {
      for (const box of parts) refuseOutside(name, box, volume.shape);
    }
    const points = (prompt.points ?? []).map(({ voxel, foreground = true }) => {
      const box = { min: voxel, max: voxel };
      checkBox(name, box);
      if (!meets(box, volume.shape)) refuseOutside(name, box, volume.shape);
      return { voxel, foreground };
    });
    return { name, label, boxes, points };
  });
}

function chooseLabels(entries: [string, OrganPrompt][]): number[] {
  const taken = new Map<number, string>();
  for (const [name, { label }] of entries) {
    if (label === undefined) continue;
    if (!Number.isInteger(label) || label < 1 || label > maxLabel) {
      throw new UsageError(
        `Organ "${name}": a label is a whole number from 1 to ${maxLabel}, not ${label}.`,
      );
    }
    const other = taken.get(label);
    if (other !== undefined) {
      throw new UsageError(
        `Organs "${other}" and "${name}" have the same label ${label}. Give each a label of its own.`,
      );
    }
    taken.set(label, name);
  }
  let free = 1;
  return entries.map(([name, { label }]) => {
    if (label !== undefined) return label;
    while (taken.has(free)) free++;
    taken.set(free, name);
    return free;
  });
}

/** Whether a voxel of the box lies in a volume of this shape. */
export function meets({ min, max }: Box, shape: Triple): boolean {
  return axes.every((axis) => max[axis] >= 0 && min[axis] < shape[axis]);
}

function checkBox(name: string, box: Box): void {
  const { min, max } = box;
  if (!isVoxel(min) || !isVoxel(max)) {
    throw new UsageError(`${describePrompt(name, box)} is not of whole voxels.`);
  }
  if (axes.some((axis) => min[axis] > max[axis])) {
    throw new UsageError(
      `${describePrompt(name, box)} is upside down: its min is above its max. Exchange them.`,
    );
  }
}

function refuseOutside(name: string, box: Box, shape: Triple): never {
  throw new UsageError(
    `${describePrompt(name, box)} is outside the volume, which has [${shape}] voxels. Was it made for another scan?`,
  );
}

function describePrompt(name: string, { min, max }: Box): string {
  return `Organ "${name}": the prompt [${min}] to [${max}] (stored z, y, x)`;
}

/** Indices that native code holds: 32 bits. */
function isVoxel(indices: Triple): boolean {
  return indices.length === 3 && indices.every((index) => index === (index | 0));
}
