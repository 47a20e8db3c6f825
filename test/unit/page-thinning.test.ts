import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Box } from "../../lib/index.js";
import { stepFor, thinBox } from "../../lib/viewer/segmentation-page.js";

type Triple = [number, number, number];
const thinShape = (shape: Triple, step: Triple) =>
  shape.map((n, axis) => {
    const first = Math.min(Math.floor(((step[axis] as number) - 1) / 2), n - 1);
    return Math.floor((n - 1 - first) / (step[axis] as number)) + 1;
  }) as Triple;

describe("what a page can hold", () => {
  it("is a whole small scan", () => {
    expect(stepFor([204, 124, 124], [3, 3, 3])).toEqual([1, 1, 1]);
    expect(stepFor([200, 200, 200], [1, 1, 1])).toEqual([1, 1, 1]);
  });

  it("is a large one thinned where it is finest", () => {
    expect(stepFor([200, 512, 512], [5, 0.7, 0.7])).toEqual([1, 3, 3]);
    expect(stepFor([1000, 512, 512], [1, 0.8, 0.8])).toEqual([3, 4, 3]);
  });

  it("is never too much", () => {
    const extent = fc.integer({ min: 1, max: 3000 });
    const mm = fc.double({ min: 0.1, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(extent, extent, extent), fc.tuple(mm, mm, mm), (shape, spacing) => {
        const [z, y, x] = thinShape(shape, stepFor(shape, spacing));
        expect(z * y * x).toBeLessThanOrEqual(8_000_000);
      }),
    );
  });

  it("has boxes where they were, to less than a step, and inside", () => {
    const extent = fc.integer({ min: 1, max: 60 });
    const of = (shape: Triple) =>
      fc.tuple(...shape.map((n) => fc.nat(n - 1))) as fc.Arbitrary<Triple>;
    const cases = fc
      .tuple(
        fc.tuple(extent, extent, extent),
        fc.tuple(...[1, 2, 3].map(() => fc.integer({ min: 1, max: 7 }))),
      )
      .chain(([shape, step]) =>
        fc.record({
          shape: fc.constant(shape),
          step: fc.constant(step as Triple),
          a: of(shape),
          b: of(shape),
        }),
      );
    fc.assert(
      fc.property(cases, ({ shape, step, a, b }) => {
        const pick = (best: (...values: number[]) => number) =>
          a.map((value, axis) => best(value, b[axis] as number)) as Triple;
        const box: Box = { min: pick(Math.min), max: pick(Math.max) };
        const small = thinShape(shape, step);
        const thin = thinBox(box, step, small);
        for (const axis of [0, 1, 2] as const) {
          const first = Math.min(Math.floor((step[axis] - 1) / 2), shape[axis] - 1);
          for (const side of ["min", "max"] as const) {
            const index = thin[side][axis];
            expect(index).toBeGreaterThanOrEqual(0);
            expect(index).toBeLessThan(small[axis]);
            const there = first + index * step[axis];
            expect(Math.abs(there - box[side][axis])).toBeLessThan(step[axis]);
          }
          expect(thin.min[axis]).toBeLessThanOrEqual(thin.max[axis]);
        }
      }),
    );
  });
});
