/** Regions of phantoms, in a file that does not load the addon: the command's help lists them, too. */
import type { PhantomRegion } from "../addon/contract/index.js";

export const phantomRegions = [
  "whole",
  "trunk",
  "abdomen",
  "thorax",
  "head",
] as const satisfies readonly PhantomRegion[];
