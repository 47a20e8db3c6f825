import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Localization, MedLam, UsageError } from "../../lib/index.js";
import { buildSmall, medlam, scan, succeed } from "../support/command.js";
import { conformance, largestDifference, TensorFile } from "../support/data.js";

describe("MedLAM on libtorch and on ONNX Runtime (2)", async () => {
  const file = await TensorFile.open("medlam/forward.safetensors");
  const x = await file.floats("x");
  const checkpoint = conformance("medlam/medlam.pth");
  const onnx = await (await MedLam.load(checkpoint, { runtime: "onnx" })).run(x, 2);
  const torch = await MedLam.load(checkpoint, { runtime: "torch" });
  const found = await torch.run(x, 2);

  it("positions agree, with each other and with the stored ones", async () => {
    expect(largestDifference(found.positions, onnx.positions)).toBeLessThan(1e-4);
    expect(largestDifference(found.positions, await file.read("position"))).toBeLessThan(1e-4);
  });

  it.each([0, 1, 2])("features of scale %i agree", (scale) => {
    const [a, b] = [found.features[scale], onnx.features[scale]];
    if (!a || !b) throw new Error("no features");
    expect(a.length).toBe(b.length);
    expect(largestDifference(a, b)).toBeLessThan(1e-3 * deviation(b));
  });

  it("the encoder alone gives the same position", async () => {
    const { positions, features } = await torch.run(x, -1);
    expect(features).toEqual([]);
    expect(largestDifference(positions, found.positions)).toBeLessThan(1e-6);
  });

  // libtorch has no fast float16 convolution on the CPU: the coarsest scale is enough.
  it.each([
    ["bfloat16", 2, 0.15],
    ["float16", 0, 0.02],
  ] as const)("in %s, to what its digits allow", async (precision, deepest, tolerance) => {
    const half = await MedLam.load(checkpoint, { runtime: "torch", precision });
    const result = await half.run(x.subarray(0, 64 ** 3), deepest);
    expect(result.features.length).toBe(deepest + 1);
    for (const [scale, features] of result.features.entries()) {
      const wanted = (onnx.features[scale] as Float32Array).subarray(0, features.length);
      const rms = rmsDifference(features, wanted);
      expect(rms).toBeGreaterThan(0);
      expect(rms).toBeLessThan(tolerance * deviation(wanted));
    }
  });

  it("float16 weights are widened to float32 as on ONNX Runtime", async () => {
    const file = conformance("medlam/medlam_fp16.pth");
    const networks = [
      await MedLam.load(file, { runtime: "onnx" }),
      await MedLam.load(file, { runtime: "torch" }),
    ];
    const [a, b] = await Promise.all(networks.map((network) => network.run(x, 0)));
    expect(largestDifference(a?.positions ?? [], b?.positions ?? [0])).toBeLessThan(1e-4);
    const [features, wanted] = [b?.features[0] as Float32Array, a?.features[0] as Float32Array];
    expect(largestDifference(features, wanted)).toBeLessThan(1e-3 * deviation(wanted));
    expect(largestDifference(a?.positions ?? [], onnx.positions)).toBeGreaterThan(1e-4);
  });

  it("ends early when it is told to", async () => {
    const controller = new AbortController();
    const many = new Float32Array(12 * 64 ** 3).map((_, i) => x[i % x.length] as number);
    const running = torch.run(many, 2, { signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("refuses a device that is not there", async () => {
    const load = MedLam.load(checkpoint, { runtime: "torch", device: "cuda:99" });
    await expect(load).rejects.toThrow(UsageError);
  });
});

describe("the command with --runtime torch", () => {
  const folder = mkdtempSync(join(tmpdir(), "medlsam-torch-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("finds the boxes that it finds on ONNX Runtime", async () => {
    const boxes = async (runtime: string) => {
      const templates = join(folder, `${runtime}.safetensors`);
      await succeed(...buildSmall(templates), "--runtime", runtime, "-q");
      const from = ["-t", templates, "--medlam", medlam, "--runtime", runtime, "-q"];
      const { stdout } = await succeed("localize", scan, ...from);
      const { organs } = JSON.parse(stdout) as Localization;
      return Object.values(organs).map((organ) => organ.parts);
    };
    const found = await boxes("torch");
    expect(found.length).toBe(1);
    expect(found).toEqual(await boxes("onnx"));
  });
});

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function rmsDifference(a: Float32Array, b: Float32Array): number {
  const sum = a.reduce((total, value, i) => total + (value - (b[i] as number)) ** 2, 0);
  return Math.sqrt(sum / a.length);
}
