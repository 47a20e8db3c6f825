import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { info, MedLam, Sam, UsageError } from "../../lib/index.js";
import {
  buildSmall,
  data,
  expectRefusal,
  medlam,
  scan,
  startWithin,
  succeed,
} from "../support/command.js";
import { sharedTemplates } from "../support/shared-templates.js";

const checkpoint = data("sam/sam_tiny.pth");
const folder = mkdtempSync(join(tmpdir(), "medlsam-runtimes-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A library that is not there: whatever needs it fails. */
const nowhere = { MEDLSAM_ONNXRUNTIME: join(folder, "nowhere.so") };

describe("the default runtime", () => {
  it("is the cpu one where the processor has AVX2, which info says", async () => {
    const { simd, defaultRuntime } = await info();
    const isWide = simd === "avx2" || simd === "avx512";
    expect(defaultRuntime.name).toBe(isWide ? "cpu" : "onnx");
    const { stdout } = await succeed("info");
    expect(stdout).toContain(`${defaultRuntime.name} (${defaultRuntime.reason})`);
  });

  it("is ONNX Runtime without AVX2, which info says, and needs its library", async () => {
    const baseline = { MEDLSAM_SIMD: "baseline" };
    const told = await startWithin(baseline, ["info"]).done;
    expect(told.stdout).toMatch(
      /^default runtime: +onnx \(MEDLSAM_SIMD=baseline leaves out AVX2\)$/m,
    );
    const missing = startWithin({ ...baseline, ...nowhere }, buildSmall(join(folder, "a")));
    expectRefusal(await missing.done, 1, "ONNX Runtime");
  });
});

describe("the cpu runtime", () => {
  it("needs no library, at any instruction set", async () => {
    for (const level of ["", "baseline"]) {
      const build = [...buildSmall(join(folder, `with-${level}`)), "--runtime", "cpu"];
      const { code, stderr } = await startWithin({ ...nowhere, MEDLSAM_SIMD: level }, build).done;
      expect(code, stderr).toBe(0);
    }
  });

  it("computes SAM in bfloat16 where the processor can: masks change little", async () => {
    const slice = Float32Array.from({ length: 256 ** 2 }, (_, i) => (i * (i % 256)) % 255);
    const box = { box: [40, 60, 150, 200] as const };
    const decode = async (precision: "float32" | "bfloat16") => {
      using sam = await Sam.load(checkpoint, { runtime: "cpu", precision });
      return (await sam.decode(await sam.encode(slice), [box])).logits;
    };
    const low = await decode("bfloat16").catch((error: Error) => error);
    if (low instanceof Error) {
      expect(low.message).toContain("AVX-512 BF16");
      return;
    }
    const exact = await decode("float32");
    const differing = exact.filter((logit, i) => logit > 0 !== (low[i] as number) > 0).length;
    expect(low).not.toEqual(exact);
    expect(differing / exact.length).toBeLessThan(0.01);
  });

  it("says what bfloat16 takes where the processor lacks it", async () => {
    const models = ["-t", await sharedTemplates("small"), "--medlam", medlam];
    const low = ["localize", scan, ...models, "--runtime", "cpu", "--precision", "bfloat16"];
    const refused = startWithin({ MEDLSAM_SIMD: "baseline" }, low);
    expectRefusal(await refused.done, 2, "AVX-512 BF16");
  });

  it("refuses GPUs and low precision, and names the runtimes that have them", async () => {
    const onGpu = MedLam.load(medlam, { runtime: "cpu", device: "cuda:0" });
    await expect(onGpu).rejects.toThrow(/not on cuda:0: the onnx and torch ones know GPUs/);
    const low = MedLam.load(medlam, { runtime: "cpu", precision: "float16" });
    await expect(low).rejects.toThrow(UsageError);
  });
});
