import { describe, expect, it } from "vitest";
import type { Triple } from "../../lib/geometry/box.js";
import { keepCutWalls, marginInScan } from "../../lib/localization/boxes.js";
import { type Grid, padding } from "../../lib/localization/grid.js";

/** 20, 30 and 40 points of scan in the padding. */
const grid = { shape: [84, 94, 104] } as unknown as Grid;
const last: Triple = [19, 29, 39];

/** Six points whose box is [min, max], counted from the scan's first point. */
function points(min: Triple, max: Triple): Triple[] {
  return [min, min, min, max, max, max].map((p) => p.map((value) => value + padding) as Triple);
}

describe("marginInScan", () => {
  it("is the least way, in mm, that the box reaches in from a side", () => {
    expect(marginInScan(points([-5, 5, 5], [4, 20, 20]), grid)).toBe(3 * 4);
    expect(marginInScan(points([2, 5, 33], [18, 20, 60]), grid)).toBe(3 * (last[2] - 33));
  });

  it("is 0 for a box that has the scan's last points only, and negative beyond", () => {
    for (const axis of [0, 1, 2]) {
      const at = (bounds: [number, number]) => {
        const [min, max]: [Triple, Triple] = [
          [5, 5, 5],
          [9, 9, 9],
        ];
        [min[axis], max[axis]] = bounds;
        return marginInScan(points(min, max), grid);
      };
      const end = last[axis] as number;
      expect([at([-9, 0]), at([end, end + 9])]).toEqual([0, 0]);
      expect([at([-9, -2]), at([end + 5, end + 9])]).toEqual([-6, -15]);
    }
  });

  it("is that of the box around all parts", () => {
    const parts = [...points([-9, 5, 5], [-6, 9, 9]), ...points([-6, 5, 5], [3, 9, 9])];
    expect(marginInScan(parts, grid)).toBe(9);
  });
});

describe("keepCutWalls", () => {
  const searched = points([6, 6, 6], [14, 24, 34]);

  it("leaves walls where they were found that were placed inside the scan", () => {
    expect(keepCutWalls(searched, points([4, 5, 9], [15, 20, 35]), grid)).toEqual(searched);
  });

  it("leaves those where they were placed that lie outside or less than 12 mm inside, each on its own", () => {
    const kept = keepCutWalls(searched, points([-8, 3, 9], [15, 40, 36]), grid);
    const expected = searched.map((point) => [...point]);
    (expected[0] as number[])[0] = padding - 8;
    (expected[1] as number[])[1] = padding + 3;
    (expected[4] as number[])[1] = padding + 40;
    (expected[5] as number[])[2] = padding + 36;
    expect(kept).toEqual(expected);
  });
});
