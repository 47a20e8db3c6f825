/**
 * Synthetic CT scans with labeled organs, for training and testing where no patient's data may be used. Their anatomy
 * is made from formulas and a seed; it belongs to no patient.
 */

import { z } from "zod";
import { type CallOptions, callNative, type Progress } from "../addon/call.js";
import type { PhantomFacts } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import {
  aFunction,
  checkArguments,
  optionsOf,
  threeNumbers,
  wholeNumber,
} from "../base/arguments.js";
import { maxSeed } from "../base/seed.js";
import type { Triple } from "../geometry/box.js";
import { Volume } from "../volumes/volume.js";
import {
  type PhantomRealism,
  type PhantomRegion,
  phantomArms,
  phantomPhases,
  phantomRealism,
  phantomRegions,
} from "./regions.js";

const phantomOptions = optionsOf({
  seed: wholeNumber(0, maxSeed),
  region: z.enum(phantomRegions).optional(),
  spacing: z
    .union([z.number(), threeNumbers], "must be one number or three: mm along z, y, x")
    .optional(),
  axes: z.string().optional(),
  realism: z.array(z.enum(phantomRealism)).optional(),
  onProgress: aFunction.optional(),
});

export interface PhantomOptions extends CallOptions {
  /** Decides everything about the patient and the scan that no other option does: a whole number below 2³². */
  seed: number;
  /** The part of the body that is scanned. */
  region?: PhantomRegion | undefined;
  /** Spacing in mm along head–feet, front–back, left–right, or one number for all three; from 0.5 to 10. */
  spacing?: number | Triple | undefined;
  /** Directions of the stored x, y and z axes, one letter of each pair RL, AP, IS: "LPS". */
  axes?: string | undefined;
  /**
   * Makes the phantom more like a patient. "pose": another build, a turned body, a scan that begins and ends anywhere and
   * may cut the body at the sides. "tissue": HU and texture drawn for every tissue, contents and gas of the bowel, small
   * vessels in lungs, liver and fat; labels stay. "scanner": couches, clothes, masks, metal (which has no label) and its
   * streaks, kernels, thick slices, padding outside a round field of view. None by default.
   */
  realism?: readonly PhantomRealism[] | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Choices of the seed and the options for the patient and the scan. */
export interface PhantomAbout extends Pick<PhantomFacts, "sex" | "stature" | "missing"> {
  region: PhantomRegion;
  arms: (typeof phantomArms)[number];
  /** The phase of contrast medium. */
  contrast: (typeof phantomPhases)[number];
}

export interface Phantom {
  /** int16; `values()` are HU. */
  image: Volume;
  /** uint8 on the same grid. Organs that were removed or lie outside the scan do not occur. */
  labels: Volume;
  /** Names of all labels, in order, whether they occur or not. */
  names: Map<number, string>;
  about: PhantomAbout;
}

/** Names of the labels, which are the same for all phantoms. */
export function phantomNames(): Map<number, string> {
  return new Map(native.phantomOrgans().map((name, index) => [index + 1, name]));
}

/**
 * Makes a synthetic CT and its label map: the same bytes for the same seed and options, whatever the number of threads.
 * An option changes only what it names: a seed is one patient in one posture, whatever part is scanned. Needs 6 bytes of
 * memory for each voxel while it runs (8 with a scanner's realism), 3 afterwards.
 * @throws UsageError for options out of range, or a scan of more than 2²⁹ voxels.
 */
export async function makePhantom(options: PhantomOptions): Promise<Phantom> {
  checkArguments("makePhantom", { options: [options, phantomOptions] });
  const { seed, region, spacing, axes = "", realism = [], onProgress, ...call } = options;
  const mm: number[] | undefined =
    typeof spacing === "number" ? [spacing, spacing, spacing] : spacing;
  const number = region === undefined ? null : phantomRegions.indexOf(region);
  const parts = phantomRealism.map((part) => realism.includes(part));
  const made = await callNative(
    call,
    (task) =>
      native.makePhantom(seed, { region: number, spacing: mm ?? null, axes, realism: parts }, task),
    (done, total) => onProgress?.({ phase: "phantom", done, total }),
  );
  return {
    image: Volume.fromHandle(made.image),
    labels: Volume.fromHandle(made.labels),
    names: phantomNames(),
    about: named(made.about),
  };
}

function named({ sex, stature, region, arms, contrast, missing }: PhantomFacts): PhantomAbout {
  return {
    sex,
    stature,
    region: phantomRegions[region] as PhantomAbout["region"],
    arms: phantomArms[arms] as PhantomAbout["arms"],
    contrast: phantomPhases[contrast] as PhantomAbout["contrast"],
    missing,
  };
}
