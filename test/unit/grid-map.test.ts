import fc from "fast-check";
import { expect, it } from "vitest";
import { apply, invert } from "../../lib/geometry/affine.js";
import { Grid, type Triple, Volume } from "../../lib/index.js";

const shape: Triple = [24, 20, 30];
/** Voxels around the scan on its grid (part 1.4). */
const padding = 32;

/** Axis orders of all kinds, slightly turned: a permutation with signs, spacing and a small rotation. */
const affines = fc
  .record({
    order: fc.constantFrom([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]),
    signs: fc.array(fc.constantFrom(-1, 1), { minLength: 3, maxLength: 3 }),
    spacing: fc.array(fc.double({ min: 0.7, max: 5, noNaN: true }), { minLength: 3, maxLength: 3 }),
    angle: fc.double({ min: -0.4, max: 0.4, noNaN: true }),
    origin: fc.array(fc.double({ min: -500, max: 500, noNaN: true }), {
      minLength: 3,
      maxLength: 3,
    }),
  })
  .map(({ order, signs, spacing, angle, origin }) => {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const turn = [c, -s, 0, s, c, 0, 0, 0, 1];
    const affine = new Array<number>(16).fill(0);
    for (let column = 0; column < 3; column++) {
      for (let row = 0; row < 3; row++) {
        const along = turn[3 * row + (order[column] as number)] as number;
        affine[4 * row + column] = along * (signs[column] as number) * (spacing[column] as number);
      }
      affine[4 * column + 3] = origin[column] as number;
    }
    affine[15] = 1;
    return affine;
  });

it("grid → stored → physical → grid comes back, for every axis order and oblique affines (Q4)", async () => {
  const hu = Int16Array.from(
    { length: shape[0] * shape[1] * shape[2] },
    (_, i) => ((i * 37) % 2000) - 1000,
  );
  await fc.assert(
    fc.asyncProperty(
      affines,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
      async (affine, at) => {
        const volume = await Volume.fromArray(hu, { shape, affine });
        const grid = await Grid.make(volume);
        const point = grid.shape.map(
          (extent, axis) => padding + (at[axis] as number) * (extent - 2 * padding - 1),
        ) as Triple;
        const stored = grid.toStored(point);
        for (const [axis, value] of stored.entries()) {
          expect(value).toBeGreaterThan(-1e-6);
          expect(value).toBeLessThan((shape[axis] as number) - 1 + 1e-6);
        }
        const [right, anterior, superior] = apply(affine, [stored[2], stored[1], stored[0]]);
        const back = grid.fromPhysical([-right, -anterior, superior]);
        for (const axis of [0, 1, 2]) expect(back[axis]).toBeCloseTo(point[axis] as number, 5);
        grid.close();
        volume.close();
      },
    ),
    { numRuns: 60, seed: 1 },
  );
});

it("an affine and its inverse undo each other", () => {
  fc.assert(
    fc.property(affines, (affine) => {
      const there = apply(affine, [3, -7, 11]);
      const back = apply(invert(affine), there);
      for (const [i, value] of [3, -7, 11].entries()) expect(back[i]).toBeCloseTo(value, 6);
    }),
    { seed: 1 },
  );
});
