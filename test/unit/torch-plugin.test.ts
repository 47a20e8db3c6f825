import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { parseDevice } from "../../lib/addon/devices.js";
import { addonModule, root } from "../../lib/addon/loader.js";
import { info, MedLam, UnavailableError, UsageError } from "../../lib/index.js";
import { conformance } from "../support/data.js";

const checkpoint = conformance("medlam/medlam.pth");
const folder = mkdtempSync(join(tmpdir(), "medlsam-plugin-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("without a torch plugin that fits", () => {
  const before = process.env.MEDLSAM_TORCH;
  afterEach(() => {
    if (before === undefined) delete process.env.MEDLSAM_TORCH;
    else process.env.MEDLSAM_TORCH = before;
  });

  async function refusal(plugin: string): Promise<string> {
    process.env.MEDLSAM_TORCH = plugin;
    const error = await MedLam.load(checkpoint, { runtime: "torch" }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.code).toBe("RUNTIME_UNAVAILABLE");
    expect(error.message).toContain("npm run build:torch");
    return error.message;
  }

  it("says where it looked", async () => {
    expect(await refusal(join(folder, "none.so"))).toContain(join(folder, "none.so"));
  });

  it("info says why the torch runtime is not there, and names the other's devices", async () => {
    process.env.MEDLSAM_TORCH = join(folder, "nowhere.so");
    const { torch, onnxRuntime, devices } = await info();
    expect(torch).toEqual({ error: expect.stringContaining("npm run build:torch") });
    expect(onnxRuntime).toMatchObject({ devices: expect.arrayContaining(["cpu"]) });
    expect(devices).toContain("cpu");
  });

  it("says what is wrong with a file that is no library", async () => {
    const path = join(folder, "text.so");
    writeFileSync(path, "not a library");
    expect(await refusal(path)).toContain("could not be loaded");
  });

  it("says that another library is no plugin", async () => {
    // The addon itself, from wherever the package has it.
    const addon = (
      createRequire(import.meta.url)(addonModule) as { path(root: string): string }
    ).path(root);
    expect(await refusal(addon)).toContain("is not medlsam's torch plugin");
  });
});

describe("devices", () => {
  it.each([
    ["auto", "auto"],
    ["cpu", "cpu"],
    ["cuda", "cuda"],
    ["gpu", "cuda"],
    ["cuda:3", "cuda:3"],
    ["gpu:0", "cuda:0"],
  ])("%s", (text, name) => {
    expect(parseDevice(text)).toBe(name);
  });

  it.each(["", "tpu", "cuda:", "cuda:-1", "cuda:1000", "cpu:0"])("not '%s'", (text) => {
    expect(() => parseDevice(text)).toThrow(UsageError);
  });
});

describe("the onnx runtime", () => {
  it("computes in no other precision", async () => {
    const low = MedLam.load(checkpoint, { device: "cpu", precision: "float16" });
    await expect(low).rejects.toThrow(UsageError);
  });

  it("knows devices", async () => {
    const load = MedLam.load(checkpoint, { runtime: "torch", device: "tpu" });
    await expect(load).rejects.toThrow(/device must be auto, cpu, cuda or cuda:N, not "tpu"/);
  });
});
