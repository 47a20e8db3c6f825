/** Boxes of labels, and what they are good for: prompts, and figures of boxes. */
import { describe, expect, it } from "vitest";
import { compareBoxes, evaluate, InputError, labelBoxes, Volume } from "../../lib/index.js";
import { data } from "../support/command.js";

/** 8 × 4 × 4 voxels of 1 mm stored along LPS: label 3 below and wider above, label 7 one voxel. */
async function labelMap(): Promise<Volume> {
  const labels = new Uint8Array(8 * 4 * 4);
  const set = (z: number, y: number, x: number, label: number) => {
    labels[(z * 4 + y) * 4 + x] = label;
  };
  for (const z of [1, 2]) set(z, 1, 1, 3);
  for (const z of [3, 4, 5]) for (const x of [0, 1, 2]) set(z, 2, x, 3);
  set(7, 3, 3, 7);
  const affine = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  return Volume.fromArray(labels, { shape: [8, 4, 4], affine });
}

describe("labelBoxes", () => {
  it("gives every label's box, and the parts of those that are cut", async () => {
    const found = await labelBoxes(await labelMap(), { parts: new Map([[3, 2]]) });
    const whole = { min: [1, 1, 0], max: [5, 2, 2] };
    const lower = { min: [1, 1, 1], max: [3, 1, 1] };
    const upper = { min: [3, 2, 0], max: [5, 2, 2] };
    const dot = { min: [7, 3, 3], max: [7, 3, 3] };
    expect(found).toEqual(
      new Map([
        [3, { box: whole, parts: [lower, upper] }],
        [7, { box: dot, parts: [dot] }],
      ]),
    );
  });

  it("agrees with the boxes that evaluate compares, and reads a file", async () => {
    const truth = data("ct/q_label.nii.gz");
    const [boxes, { organs }] = await Promise.all([
      labelBoxes(truth),
      evaluate({ prediction: truth, truth }),
    ]);
    expect(boxes.size).toBeGreaterThan(1);
    for (const [label, { box }] of boxes) expect(organs[label]?.truth.box).toEqual(box);
  });

  it("refuses a scan", async () => {
    await expect(labelBoxes(data("ct/q.nii.gz"))).rejects.toBeInstanceOf(InputError);
    await expect(labelBoxes(data("ct/q.nii.gz"))).rejects.toMatchObject({ code: "BAD_LABELS" });
  });
});

describe("compareBoxes", () => {
  it("has IoU and wall distance as evaluate has them", () => {
    const [a, b] = [
      { min: [0, 0, 0], max: [4, 4, 4] },
      { min: [2, 0, 0], max: [6, 4, 5] },
    ] as Parameters<typeof compareBoxes>[0][];
    const { iou, wd } = compareBoxes(a as never, b as never, [3, 1, 2]);
    expect(iou).toBeCloseTo(32 / (64 + 80 - 32), 12);
    expect(wd).toBeCloseTo((6 + 6 + 0 + 0 + 0 + 2) / 6, 12);
  });

  it("gives no IoU for two boxes that are one voxel thick", () => {
    const flat = { min: [2, 0, 0], max: [2, 4, 4] } as Parameters<typeof compareBoxes>[0];
    expect(compareBoxes(flat, flat, [1, 1, 1])).toEqual({ iou: null, wd: 0 });
  });
});
