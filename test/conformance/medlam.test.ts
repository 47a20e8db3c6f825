import { describe, expect, it } from "vitest";
import { Checkpoint, MedLam, steps } from "../../lib/index.js";
import { conformance, largestDifference, TensorFile } from "../support/data.js";

const files = ["medlam.pth", "medlam_legacy.pth", "medlam_training.tar", "medlam_fp16.pth"];

describe("checkpoints (2)", () => {
  it.each(files)("%s", async (file) => {
    const [checkpoint, wanted] = await Promise.all(
      [file, "medlam.pth"].map((name) => Checkpoint.open(conformance(`medlam/${name}`))),
    );
    if (!checkpoint || !wanted) throw new Error("not opened");
    expect(checkpoint.looksLike).toBe("MedLAM");
    expect(checkpoint.tensors.map(({ name, shape }) => [name, shape])).toEqual(
      wanted.tensors.map(({ name, shape }) => [name, shape]),
    );
    for (const { name, dtype } of checkpoint.tensors) {
      const [found, expected] = await Promise.all(
        [checkpoint, wanted].map(async (each) => new Float32Array(await each.tensor(name))),
      );
      if (!found || !expected) throw new Error("not read");
      const scale = Math.max(...expected.map(Math.abs));
      const tolerance = dtype === "F16" ? scale * 2 ** -11 : 0;
      expect(largestDifference(found, expected), name).toBeLessThanOrEqual(tolerance);
    }
  });

  it("one network, one fingerprint, whatever the file", async () => {
    const networks = await Promise.all(
      files.map((file) => MedLam.load(conformance(`medlam/${file}`))),
    );
    const [first, legacy, training, half] = networks.map(({ fingerprint }) => fingerprint);
    expect([legacy, training]).toEqual([first, first]);
    expect(half).not.toBe(first);
  });
});

describe.each(["cpu", "onnx"] as const)("the network on the %s runtime (2)", async (runtime) => {
  const file = await TensorFile.open("medlam/forward.safetensors");
  const medlam = await MedLam.load(conformance("medlam/medlam.pth"), { runtime });
  const x = await file.floats("x");
  const result = await medlam.run(x, 2);

  it("reads its sizes from the tensors", () =>
    expect([medlam.width, medlam.patch]).toEqual([2, 64]));

  it("position", async () => {
    expect(largestDifference(result.positions, await file.read("position"))).toBeLessThan(1e-4);
  });

  it("the encoder alone gives the same position", async () => {
    const { positions, features } = await medlam.run(x, -1);
    expect(features).toEqual([]);
    expect(largestDifference(positions, result.positions)).toBeLessThan(1e-6);
  });

  it.each([0, 1])("stopping after scale %i gives the same features", async (scale) => {
    const { features } = await medlam.run(x, scale as 0 | 1);
    expect(features.length).toBe(scale + 1);
    expect(
      largestDifference(features[scale] as Float32Array, result.features[scale] as Float32Array),
    ).toBeLessThan(1e-5);
  });

  it("feature 0 whole", async () => {
    const expected = await file.read("feature0");
    const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
    const std = Math.sqrt(
      expected.reduce((sum, value) => sum + (value - mean) ** 2, 0) / expected.length,
    );
    expect(largestDifference(result.features[0] as Float32Array, expected) / std).toBeLessThan(
      1e-3,
    );
  });

  it.each([1, 2])("feature %i sampled, its channels' mean and deviation", async (scale) => {
    const features = result.features[scale] as Float32Array;
    const edge = 16 << scale;
    const channels = 8;
    const index = await file.read(`feature${scale}.index`);
    const [mean, std] = [
      await file.read(`feature${scale}.mean`),
      await file.read(`feature${scale}.std`),
    ];
    const scaleOf = Math.max(...std);
    const expected = await file.read(`feature${scale}.value`);
    const values = expected.map((_, i) => {
      const [n = 0, c = 0, z = 0, y = 0, x0 = 0] = index.slice(5 * i, 5 * i + 5);
      return features[(((n * channels + c) * edge + z) * edge + y) * edge + x0] as number;
    });
    expect(largestDifference(values, expected) / scaleOf).toBeLessThan(1e-3);
    for (let i = 0; i < mean.length; i++) {
      const map = features.subarray(i * edge ** 3, (i + 1) * edge ** 3);
      const average = map.reduce((sum, value) => sum + value, 0) / map.length;
      const deviation = Math.sqrt(
        map.reduce((sum, value) => sum + (value - average) ** 2, 0) / map.length,
      );
      expect(Math.abs(average - (mean[i] as number)) / scaleOf).toBeLessThan(1e-3);
      expect(Math.abs(deviation - (std[i] as number)) / scaleOf).toBeLessThan(2e-3);
    }
  });
});

describe("similarity (5.3)", async () => {
  const file = await TensorFile.open("medlam/similarity.safetensors");
  const [channels, patch, points] = [4, 64, 2];

  it.each([0, 1])("point %i", async (point) => {
    const slice = async (name: string) => {
      const all = await file.floats(name);
      const size = all.length / points;
      return all.slice(point * size, (point + 1) * size);
    };
    const scales = [0, 1, 2];
    const features = await Promise.all(scales.map((k) => slice(`feature${k}`)));
    const kernels = await Promise.all(scales.map((k) => slice(`kernel${k}`)));
    const map = await steps.similarityMap(features, kernels, channels, patch);

    const index = await file.read("map.index");
    const expected = await file.read("map.value");
    let compared = 0;
    for (let i = 0; i < expected.length; i++) {
      const [n = 0, z = 0, y = 0, x = 0] = index.slice(4 * i, 4 * i + 4);
      if (n !== point) continue;
      compared++;
      expect(
        Math.abs((map[(z * patch + y) * patch + x] as number) - (expected[i] as number)),
      ).toBeLessThan(1e-4);
    }
    expect(compared).toBeGreaterThan(1000);

    const peak = map.reduce((best, value, i) => (value > (map[best] as number) ? i : best), 0);
    const voxel = [Math.floor(peak / patch ** 2), Math.floor(peak / patch) % patch, peak % patch];
    const offsets = (await file.read("offset")).slice(3 * point, 3 * point + 3);
    expect(voxel.map((value) => value - 32 + 1)).toEqual(offsets);
    expect(
      Math.abs((map[peak] as number) - ((await file.read("peak"))[point] as number)),
    ).toBeLessThan(1e-4);
  });
});
