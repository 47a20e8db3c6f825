import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { apply } from "../../lib/geometry/affine.js";
import {
  type Box,
  boundsOf,
  type PhysicalBox,
  physicalBox,
  physicalCorners,
  type Triple,
  unionBox,
} from "../../lib/geometry/box.js";

const coordinate = fc.integer({ min: -50, max: 50 });
const triple = fc.tuple(coordinate, coordinate, coordinate) as fc.Arbitrary<Triple>;
const box = fc.array(triple, { minLength: 1, maxLength: 4 }).map(boundsOf<Triple>);
// Rotated about z by an angle with 3/5 and 4/5, scaled, and moved.
const affine = [1.2, -1.6, 0, 10, 1.6, 1.2, 0, -20, 0, 0, 3, 5, 0, 0, 0, 1];

describe("boxes", () => {
  it("in voxels and in millimetres are not taken for each other", () => {
    const voxels: Box = { min: [0, 0, 0], max: [1, 1, 1] };
    // @ts-expect-error A box of voxels is not one of millimetres,
    const mm: PhysicalBox = voxels;
    // @ts-expect-error nor the other way round.
    const back: Box = mm;
    expect(back).toBe(voxels);
  });

  it("unite to the least box that holds all", () => {
    fc.assert(
      fc.property(fc.array(box, { minLength: 1, maxLength: 5 }), (boxes) => {
        const { min, max } = unionBox(boxes);
        for (const axis of [0, 1, 2] as const) {
          expect(boxes.map((each) => each.min[axis]).sort((a, b) => a - b)[0]).toBe(min[axis]);
          expect(boxes.map((each) => each.max[axis]).sort((a, b) => b - a)[0]).toBe(max[axis]);
        }
      }),
    );
  });

  it("have eight corners at the outer faces of their voxels, in LPS mm", () => {
    fc.assert(
      fc.property(box, (each) => {
        const expected = Array.from({ length: 8 }, (_, i) => {
          const pick = (axis: 0 | 1 | 2, high: boolean) =>
            high ? each.max[axis] + 0.5 : each.min[axis] - 0.5;
          const voxel = [pick(2, (i & 1) > 0), pick(1, (i & 2) > 0), pick(0, (i & 4) > 0)];
          const [r, a, s] = apply(affine, voxel);
          return [-r, -a, s];
        });
        const corners = physicalCorners(each, affine);
        expect(new Set(corners.map(String))).toEqual(new Set(expected.map(String)));
        const { min, max } = physicalBox(each, affine);
        for (const axis of [0, 1, 2] as const) {
          expect(min[axis]).toBe(Math.min(...expected.map((corner) => corner[axis] as number)));
          expect(max[axis]).toBe(Math.max(...expected.map((corner) => corner[axis] as number)));
        }
      }),
    );
  });
});
