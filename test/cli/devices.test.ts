/** Where networks run, and what happens when a GPU is not there, is short of memory or is lost. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { onnxRuntimePath } from "../../lib/addon/loader.js";
import type { Info, Localization } from "../../lib/index.js";
import { data, expectRefusal, medlam, scan, startWithin } from "../support/command.js";
import { noDriver, standIn } from "../support/gpu.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-devices-"));
afterAll(() => rmSync(folder, { recursive: true }));

let models: string[];
beforeAll(async () => {
  models = ["-t", await sharedTemplates("small"), "--medlam", medlam];
});

const localize = (environment: Record<string, string>, ...more: string[]) =>
  startWithin(environment, ["localize", scan, ...models, "--scales", "0", ...more]).done;

async function told(environment: Record<string, string>): Promise<Info> {
  const { stdout } = await startWithin(environment, ["info", "--json"]).done;
  return JSON.parse(stdout) as Info;
}

function partsOf(stdout: string) {
  const { organs } = JSON.parse(stdout) as Localization;
  return Object.values(organs).map((organ) => organ.parts);
}

describe("a machine without a GPU", () => {
  it("computes on the CPU and says nothing of it", async () => {
    const { code, stderr } = await localize({ ...noDriver, MEDLSAM_TORCH: "/nowhere.so" });
    expect(code, stderr).toBe(0);
    expect(stderr.replaceAll(scan, "")).not.toMatch(/GPU|cuda|driver/i);
  });

  it("refuses a GPU that is asked for, and says what was tried", async () => {
    for (const device of ["cuda", "cuda:1"]) {
      const environment = { ...noDriver, MEDLSAM_TORCH: "/nowhere.so" };
      const { code, stdout, stderr } = await localize(environment, "--device", device);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(`The device ${device} is not there.`);
      expect(stderr).toMatch(/tried NVIDIA's driver: .*\/nowhere\/libcuda/);
      expect(stderr).toMatch(/tried libtorch: The torch plugin was not found/);
      expect(stderr).toMatch(/tried ONNX Runtime: /);
    }
  });

  it("computes on the CPU instead with --fallback cpu, and says why in a line", async () => {
    const { code, stderr } = await localize(noDriver, "--device", "cuda", "--fallback", "cpu");
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^medlsam: no GPU is used, the CPU computes: .*nowhere.*$/m);
  });

  it("refuses to train on one", async () => {
    const training = ["train", "medlam", scan, "-o", join(folder, "model"), "--device", "cuda"];
    const refused = await startWithin(
      { ...standIn, ...noDriver, MEDLSAM_STAND_IN_TORCH_GPUS: "0" },
      training,
    ).done;
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch("The device cuda is not there.");
  });
});

describe("a machine with a GPU", () => {
  it("is described by info", async () => {
    const { devices, cuda, gpu, torch } = await told({
      ...standIn,
      MEDLSAM_STAND_IN_TORCH_GPUS: "2",
    });
    expect(devices).toEqual(["cpu", "cuda:0", "cuda:1"]);
    expect(cuda).toMatchObject({
      cuda: "13.0",
      gpus: [{ name: "Stand-in GPU", memory: 2 ** 34, capability: "9.0" }],
    });
    expect(gpu).toEqual({ runtime: "torch", device: "cuda:0" });
    expect(torch).toMatchObject({ cuda: "13.0", devices: ["cpu", "cuda:0", "cuda:1"] });
    const { stdout } = await startWithin(standIn, ["info"]).done;
    expect(stdout).toMatch(/^ {2}cuda:0: +Stand-in GPU, 16.0 GiB, compute capability 9.0$/m);
  });

  it("is used without a word", async () => {
    const { code, stderr } = await localize({ ...standIn, MEDLSAM_STAND_IN_RUNS: "0" });
    // The stand-in is lost at its first run: what fails there ran there.
    expect(code).toBe(1);
    expect(stderr).toMatch(/q\.nii\.gz: CUDA error: unspecified launch failure/);
    const good = await localize(standIn);
    expect(good.code, good.stderr).toBe(0);
    expect(good.stderr.replaceAll(scan, "")).not.toMatch(/GPU|cuda/i);
  });

  it("is not used with --device cpu or --runtime cpu", async () => {
    for (const choice of ["--device", "--runtime"]) {
      const { code, stderr } = await localize(
        { ...standIn, MEDLSAM_STAND_IN_RUNS: "0" },
        choice,
        "cpu",
      );
      expect(code, stderr).toBe(0);
    }
  });

  it.each([
    ["the plugin is of another version", { MEDLSAM_STAND_IN_ABI: "1" }, /interface 1, wanted \d+/],
    ["there is no plugin", { MEDLSAM_TORCH: "/nowhere.so" }, /torch plugin was not found/],
    [
      "the plugin sees none",
      { MEDLSAM_STAND_IN_TORCH_GPUS: "0" },
      /is for CUDA 13.0 and sees no GPU/,
    ],
    [
      "the plugin's libtorch is for the CPU",
      { MEDLSAM_STAND_IN_TORCH_GPUS: "0", MEDLSAM_STAND_IN_TORCH_CUDA: "0" },
      /built for the CPU alone/,
    ],
    [
      "the driver is older than the plugin's CUDA",
      { MEDLSAM_STAND_IN_TORCH_GPUS: "0", MEDLSAM_STAND_IN_CUDA: "12040" },
      /the driver runs CUDA 12.4 at most: update the driver/,
    ],
  ])("falls back in a line if %s, and refuses it if it was asked for", async (_, change, why) => {
    const fallen = await localize({ ...standIn, ...change });
    expect(fallen.code, fallen.stderr).toBe(0);
    const lines = fallen.stderr.split("\n").filter((line) => line.includes("no GPU is used"));
    expect(lines).toEqual([expect.stringMatching(why)]);
    const refused = await localize({ ...standIn, ...change }, "--device", "cuda");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(why);
  });

  it("refuses a number that is not there", async () => {
    const { code, stderr } = await localize(standIn, "--device", "cuda:3");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /The device cuda:3 is not there\.\n.*Stand-in GPU\n {2}tried libtorch: it sees cuda:0/,
    );
  });
});

describe("ONNX Runtime for GPUs whose CUDA provider is not installed", () => {
  // It looks for the provider beside the library, where this link is alone.
  const library = join(folder, "libonnxruntime.so.1");
  const alone = { ...standIn, MEDLSAM_TORCH: "/nowhere.so", MEDLSAM_ONNXRUNTIME: library };
  beforeAll(() => symlinkSync(onnxRuntimePath(), library));
  const why = `its CUDA provider is not installed: there is no ${join(folder, "libonnxruntime_providers_shared.so")}`;

  it("is left for the CPU in a line, where a GPU would be taken", async () => {
    for (const more of [[], ["--runtime", "onnx"]]) {
      const { code, stderr } = await localize(alone, ...more);
      expect(code, stderr).toBe(0);
      const lines = stderr.split("\n").filter((line) => line.startsWith("medlsam: "));
      expect(lines).toEqual([expect.stringContaining(why)]);
      expect(lines[0]).toMatch(/^medlsam: no GPU is used, the CPU computes: /);
    }
  });

  it("is refused where one is asked for, with exit code 2", async () => {
    for (const more of [[], ["--runtime", "onnx"]]) {
      const refused = await localize(alone, "--device", "cuda", ...more);
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toMatch("The device cuda is not there.");
      expect(refused.stderr).toMatch(`tried ONNX Runtime: ${why}`);
    }
  });

  it("is told by info", async () => {
    const { onnxRuntime } = await told(alone);
    expect(onnxRuntime).toMatchObject({ devices: ["cpu"], noCuda: expect.stringContaining(why) });
  });
});

describe("memory that does not suffice", () => {
  it("halves batches, down to one patch, with the same result", async () => {
    const whole = await localize(standIn);
    const halved = await localize({ ...standIn, MEDLSAM_STAND_IN_ROWS: "1" });
    expect(halved.code, halved.stderr).toBe(0);
    expect(partsOf(halved.stdout)).toEqual(partsOf(whole.stdout));
  });

  it("is an error of the scan where one patch is too much", async () => {
    const none = await localize({ ...standIn, MEDLSAM_STAND_IN_ROWS: "0" });
    expectRefusal(
      { ...none, stderr: `${none.stderr.trim().split("\n").at(-1)}\n` },
      1,
      "out of memory",
    );
  });
});

describe("a GPU that is lost", () => {
  const lost = { ...standIn, MEDLSAM_STAND_IN_RUNS: "1" };
  let scans: string[];
  beforeAll(() => {
    scans = ["a", "b"].map((name) => join(folder, `${name}.nii.gz`));
    for (const each of scans) copyFileSync(data("ct/q.nii.gz"), each);
  });
  const all = (output: string, ...more: string[]) =>
    startWithin(lost, ["localize", ...scans, ...models, "--scales", "0", "-o", output, ...more])
      .done;

  it("fails the scan with its reason, and the others have their turn", async () => {
    const output = join(folder, "failed");
    const { code, stderr } = await all(output);
    expect(code).toBe(4);
    for (const name of ["a", "b"]) expect(stderr).toMatch(`${name}.nii.gz: CUDA error`);
    expect(existsSync(output) ? readdirSync(output) : []).toEqual([]);
  });

  it("is replaced by the CPU with --fallback cpu, for this scan and the next", async () => {
    const output = join(folder, "replaced");
    const { code, stderr } = await all(output, "--fallback", "cpu");
    expect(code, stderr).toBe(0);
    expect(
      stderr.match(/the GPU failed, this scan and all later ones are done on the CPU: CUDA error/g),
    ).toHaveLength(1);
    expect(readdirSync(output).sort()).toEqual(["a.json", "b.json"]);
  });
});
