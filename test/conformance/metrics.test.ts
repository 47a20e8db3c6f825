import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evaluate, type Triple, Volume } from "../../lib/index.js";
import { conformance, TensorFile } from "../support/data.js";

interface Expected {
  dice: number;
  hd95: number;
  assd: number;
  nsd_2mm: number;
  iou: { a: [Triple, Triple]; b: [Triple, Triple]; value: number };
  wd: { spacing: Triple; per_axis: Triple };
}

const expected: Expected = JSON.parse(readFileSync(conformance("metrics/expected.json"), "utf8"));
const [dz, dy, dx] = expected.wd.spacing;
const affine = [dx, 0, 0, 0, 0, dy, 0, 0, 0, 0, dz, 0, 0, 0, 0, 1];

describe("figures of merit (7)", () => {
  it("masks", async () => {
    const file = await TensorFile.open("metrics/masks.safetensors");
    const volume = async (name: string) =>
      Volume.fromArray(Uint8Array.from(await file.read(name)), {
        shape: file.shape(name) as Triple,
        affine,
      });
    const { organs } = await evaluate({
      prediction: { organ: await volume("a") },
      truth: { organ: await volume("b") },
    });
    const organ = organs.organ;
    expect(organ?.outcome).toBe("found");
    expect(organ?.dice).toBeCloseTo(expected.dice, 6);
    expect(organ?.hd95).toBeCloseTo(expected.hd95, 6);
    expect(organ?.assd).toBeCloseTo(expected.assd, 6);
    expect(Math.abs((organ?.nsd as number) - expected.nsd_2mm)).toBeLessThan(1e-2);
  });

  it("boxes", async () => {
    const shape: Triple = [24, 32, 40];
    // Two opposite corners of the true box; the predicted one is given as a box.
    const [min, max] = expected.iou.b;
    const mask = new Uint8Array(shape[0] * shape[1] * shape[2]);
    for (const [z, y, x] of [min, max]) mask[(z * shape[1] + y) * shape[2] + x] = 1;
    const [low, high] = expected.iou.a;
    const box = { min: low, max: high };
    const { organs } = await evaluate({
      boxes: {
        version: 1,
        image: "",
        shape,
        conventions: "reference",
        scales: [],
        organs: {
          organ: {
            label: 1,
            present: true,
            score: null,
            margin: 0,
            box,
            parts: [box],
            physicalBox: {
              min: [-(high[2] + 0.5) * dx, -(high[1] + 0.5) * dy, (low[0] - 0.5) * dz],
              max: [-(low[2] - 0.5) * dx, -(low[1] - 0.5) * dy, (high[0] + 0.5) * dz],
            },
          },
        },
        timing: { read: 0, grid: 0, network: 0, similarity: 0, total: 0, patches: 0 },
      },
      truth: { organ: await Volume.fromArray(mask, { shape, affine }) },
    });
    const wd = expected.wd.per_axis.reduce((sum, mm) => sum + mm, 0) / 3;
    expect(organs.organ?.iou).toBeCloseTo(expected.iou.value, 6);
    expect(organs.organ?.wd).toBeCloseTo(wd, 6);
    expect(organs.organ).toMatchObject({ outcome: "found", dice: null, hd95: null });
  });
});
