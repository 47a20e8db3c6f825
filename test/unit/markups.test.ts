import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RoiMarkup, roiMarkups } from "../../lib/formats/roi-markups.js";
import type { Box } from "../../lib/geometry/box.js";
import type { Localization, OrganLocalization } from "../../lib/localization/result.js";

type Vector = [number, number, number];

function organ(box: Box, present = true): OrganLocalization {
  const { min, max } = box;
  return { label: 1, present, score: 0.9, margin: 0, box, parts: [box], physicalBox: { min, max } };
}

function localization(organs: Record<string, OrganLocalization>): Localization {
  return {
    version: 1,
    image: "q.nii.gz",
    shape: [50, 60, 70],
    conventions: "exact",
    scales: [0, 1, 2],
    organs,
    timing: { read: 0, grid: 0, network: 0, similarity: 0, total: 0, patches: 0 },
  };
}

function only(box: Box, affine: number[]): RoiMarkup {
  const [roi] = roiMarkups(localization({ liver: organ(box) }), { affine }).markups;
  if (roi === undefined) throw new Error("no ROI");
  return roi;
}

/** The eight corners as Slicer places them: center ± size / 2 along the columns of orientation. */
function roiCorners({ center, size, orientation }: RoiMarkup): Vector[] {
  return corners(([a, b, c]) =>
    center.map(
      (middle, row) =>
        middle +
        (a - 0.5) * size[0] * (orientation[3 * row] ?? 0) +
        (b - 0.5) * size[1] * (orientation[3 * row + 1] ?? 0) +
        (c - 0.5) * size[2] * (orientation[3 * row + 2] ?? 0),
    ),
  );
}

function voxelCorners({ min, max }: Box, affine: number[]): Vector[] {
  return corners(([a, b, c]) => {
    const x = a ? max[2] + 0.5 : min[2] - 0.5;
    const y = b ? max[1] + 0.5 : min[1] - 0.5;
    const z = c ? max[0] + 0.5 : min[0] - 0.5;
    return [-1, -1, 1].map((sign, row) => {
      const [ax = 0, ay = 0, az = 0, offset = 0] = affine.slice(4 * row, 4 * row + 4);
      return sign * (ax * x + ay * y + az * z + offset);
    });
  });
}

function corners(place: (which: Vector) => number[]): Vector[] {
  const all = Array.from({ length: 8 }, (_, i) => place([i & 1, (i >> 1) & 1, i >> 2]) as Vector);
  return all.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
}

/** For each of `points` the distance to the nearest of `others`, the largest of them. */
function farthest(points: Vector[], others: Vector[]): number {
  const nearest = points.map((p) =>
    Math.min(...others.map((o) => Math.hypot(p[0] - o[0], p[1] - o[1], p[2] - o[2]))),
  );
  return Math.max(...nearest);
}

function determinant([
  a = 0,
  b = 0,
  c = 0,
  d = 0,
  e = 0,
  f = 0,
  g = 0,
  h = 0,
  i = 0,
]: number[]): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

const vectors = (min: number, max: number) => {
  const number = fc.double({ min, max, noNaN: true });
  return fc.tuple(number, number, number);
};

/** Rotations, flips and axis orders times spacings: any affine of a scanner. */
const affines = fc
  .record({
    angles: vectors(-Math.PI, Math.PI),
    spacing: vectors(0.3, 6),
    flip: fc.boolean(),
    offset: vectors(-900, 900),
  })
  .map(({ angles: [a, b, c], spacing: [sx, sy, sz], flip, offset }) => {
    const [ca, cb, cc] = [Math.cos(a), Math.cos(b), Math.cos(c)];
    const [sa, sb, sc] = [Math.sin(a), Math.sin(b), Math.sin(c)];
    const rotation: Vector[] = [
      [ca * cb, ca * sb * sc - sa * cc, ca * sb * cc + sa * sc],
      [sa * cb, sa * sb * sc + ca * cc, sa * sb * cc - ca * sc],
      [-sb, cb * sc, cb * cc],
    ];
    const rows = rotation.map(([x, y, z], row) => [
      x * sx * (flip ? -1 : 1),
      y * sy,
      z * sz,
      offset[row] ?? 0,
    ]);
    return [...rows.flat(), 0, 0, 0, 1];
  });

const boxes = fc
  .array(fc.tuple(fc.integer({ min: -20, max: 300 }), fc.integer({ min: 0, max: 200 })), {
    minLength: 3,
    maxLength: 3,
  })
  .map(
    (spans): Box => ({
      min: spans.map(([low]) => low) as Vector,
      max: spans.map(([low, extent]) => low + extent) as Vector,
    }),
  );

describe("roiMarkups", () => {
  it("writes the fields that Slicer reads, for present organs only", () => {
    const box: Box = { min: [2, 3, 4], max: [5, 7, 9] };
    const affine = [-2, 0, 0, 100, 0, -2, 0, 50, 0, 0, 3, -10, 0, 0, 0, 1];
    const found = roiMarkups(localization({ liver: organ(box), spleen: organ(box, false) }), {
      affine,
    });
    expect(found["@schema"]).toMatch(/markups-schema-v1\.0\.3\.json#$/);
    expect(found.markups).toHaveLength(1);
    // LPS: x from −100 + 2·3.5, y from −50 + 2·2.5, z from −10 + 3·1.5.
    expect(found.markups[0]).toMatchObject({
      type: "ROI",
      name: "liver",
      roiType: "Box",
      coordinateSystem: "LPS",
      coordinateUnits: "mm",
      center: [-87, -40, 0.5],
      size: [12, 10, 12],
      controlPoints: [{ position: [-87, -40, 0.5], positionStatus: "defined" }],
    });
    expect(found.markups[0]?.orientation.map((value) => value + 0)).toEqual([
      1, 0, 0, 0, 1, 0, 0, 0, 1,
    ]);
  });

  it("repeats the localization's note", () => {
    const found = localization({ liver: organ({ min: [2, 3, 4], max: [5, 7, 9] }) });
    const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const points = (note?: string) =>
      roiMarkups({ ...found, ...(note && { note }) }, { affine }).markups[0]?.controlPoints;
    expect(points("a demo")).toMatchObject([{ label: "liver", description: "a demo" }]);
    expect(points()?.[0]).not.toHaveProperty("description");
  });

  it("shows exactly the outer faces, whatever the affine", () => {
    fc.assert(
      fc.property(boxes, affines, (box, affine) => {
        const roi = only(box, affine);
        const shown = roiCorners(roi);
        const wanted = voxelCorners(box, affine);
        expect(farthest(shown, wanted)).toBeLessThan(1e-8);
        expect(farthest(wanted, shown)).toBeLessThan(1e-8);
        expect(determinant(roi.orientation)).toBeCloseTo(1, 10);
        expect(Math.min(...roi.size)).toBeGreaterThan(0);
      }),
    );
  });

  it("holds the whole box of a sheared volume", () => {
    // A tilted gantry: z steps also move along y.
    const affine = [1, 0, 0, 0, 0, 1, 0.4, 0, 0, 0, 2, 0, 0, 0, 0, 1];
    const box: Box = { min: [0, 0, 0], max: [9, 9, 9] };
    const roi = only(box, affine);
    expect(roi.size).toEqual([10, 14, 20]);
    expect(determinant(roi.orientation)).toBeCloseTo(1, 10);
  });
});
