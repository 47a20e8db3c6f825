/** Query centres: where the scan is looked at to place it in the anatomical coordinate system (algorithm.md 5.1). */

import { native } from "../addon/loader.js";
import { InputError, UsageError } from "../base/errors.js";
import type { Triple } from "../geometry/box.js";
import { type Grid, padding } from "./grid.js";

const count = 10;
/** Centres lie this far from the middle of the padded grid at most, in voxels. */
const reach = 10;
/** Below this a voxel is air. */
const air = 0.001;
const attempts = 1000;

/** Numbers in [0, 1) from a 32-bit seed (mulberry32): the same on every machine. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ten points of the padded grid near its middle that are not in air. @throws InputError `BAD_VOLUME` */
export function drawQueryCenters(grid: Grid, seed: number): Triple[] {
  const random = randomNumbers(seed);
  const draw = () =>
    grid.shape.map(
      (extent) => Math.floor(extent / 2) - reach + Math.floor(random() * 2 * reach),
    ) as Triple;
  const centers: Triple[] = [];
  for (let attempt = 0; centers.length < count && attempt < attempts; attempt++) {
    const center = draw();
    const [value = 0] = native.sampleGrid(grid.handle, Int32Array.from(center));
    if (value >= air) centers.push(center);
  }
  if (centers.length < count) {
    throw new InputError(
      "BAD_VOLUME",
      `Within ${reach} voxels (${3 * reach} mm) of the middle of the scan there is almost only air, so no place to ` +
        "look from was found. Crop the scan to the patient, or give query centres.",
    );
  }
  return centers;
}

/** @throws UsageError if a given centre is not a point within the scan. */
export function checkQueryCenters(centers: readonly Triple[], grid: Grid): void {
  if (centers.length === 0) throw new UsageError("At least one query centre is needed.");
  for (const [i, center] of centers.entries()) {
    const inside = center.every(
      (value, axis) =>
        Number.isInteger(value) &&
        value >= padding &&
        value < (grid.shape[axis] as number) - padding,
    );
    if (center.length !== 3 || !inside) {
      throw new UsageError(
        `Query centre ${i} is [${center}]; centres are whole [z, y, x] on the padded grid, here from ` +
          `[${padding}, ${padding}, ${padding}] to [${grid.shape.map((extent) => extent - padding - 1).join(", ")}].`,
      );
    }
  }
}
