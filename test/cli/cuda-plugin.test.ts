/**
 * Scans on a GPU from end to end: the CUDA plugin is the one that is compiled for the host, and the networks are in float32, so that
 * boxes and masks are the CPU's.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Info, Localization } from "../../lib/index.js";
import { medlam, type Running, scan, startModule, startWithin } from "../support/command.js";
import { noDriver, standIn } from "../support/gpu.js";
import { hashes, sam, small, writeBoxes } from "../support/segmentation.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-cuda-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const boxes = writeBoxes(at("boxes.json"));

let models: string[];
beforeAll(async () => {
  models = ["-t", await sharedTemplates("small"), "--medlam", medlam];
});

type Environment = Record<string, string>;
let runs = 0;

/** Runs a command on the GPU and counts the calls of the plugin's functions. */
const onGpu = (change: Environment, args: string[]) =>
  counted((log) => startWithin({ ...standIn, ...change, ...log }, [...args, "--device", "cuda"]));

async function counted(begin: (environment: Environment) => Running) {
  const log = at(`calls-${runs++}`);
  writeFileSync(log, "");
  const outcome = await begin({ MEDLSAM_STAND_IN_CUDA_LOG: log }).done;
  const calls: Record<string, number> = {};
  for (const name of readFileSync(log, "utf8").split("\n").filter(Boolean)) {
    calls[name] = (calls[name] ?? 0) + 1;
  }
  return { ...outcome, calls };
}

async function onCpu(args: string[]) {
  const outcome = await startWithin(standIn, [...args, "--device", "cpu"]).done;
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome;
}

/** Lines that say something besides progress. */
const linesOf = (stderr: string) =>
  stderr.split("\n").filter((line) => line.startsWith("medlsam: "));
const organsOf = (stdout: string) => Object.values((JSON.parse(stdout) as Localization).organs);
/** The same boxes, with scores that differ in their last digits. */
function expectAlike(stdout: string, wanted: string) {
  const [found, expected] = [organsOf(stdout), organsOf(wanted)];
  expect(found.map(({ parts }) => parts)).toEqual(expected.map(({ parts }) => parts));
  for (const [i, { score }] of found.entries()) {
    expect(score).toBeCloseTo(expected[i]?.score ?? 0, 5);
  }
}

const localize = (...more: string[]) => ["localize", scan, ...models, ...more];
const segment = (output: string, ...more: string[]) => [
  ...["segment", scan, "--sam", sam, "--boxes", boxes, "-o", at(output)],
  ...more,
];

describe("a scan on a GPU", () => {
  it("is gridded, cut into patches and searched there, with the CPU's boxes", async () => {
    const { code, stdout, stderr, calls } = await onGpu({}, localize("--survey"));
    expect(code, stderr).toBe(0);
    expect(linesOf(stderr)).toEqual([]);
    // The grid is made there, so that none goes up.
    expect(calls).toEqual({
      load_volume: 1,
      fill_grid: 1,
      gather_patches: expect.any(Number),
      find_peaks: expect.any(Number),
    });
    expectAlike(stdout, (await onCpu(localize("--survey"))).stdout);
  });

  it("is gridded there ahead of its turn", async () => {
    const copy = at("copy.nii.gz");
    copyFileSync(scan, copy);
    const args = ["localize", scan, copy, ...models, "--scales", "0", "-o", at("two")];
    const { code, stderr, calls } = await onGpu({}, args);
    expect(code, stderr).toBe(0);
    expect(calls).toMatchObject({ fill_grid: 2 });
    expect(calls).not.toHaveProperty("load_grid");
  });

  it("is cut into slices there, where logits become masks: the CPU's files", async () => {
    const { code, stderr, calls } = await onGpu({}, segment("gpu", "--ml", "--statistics"));
    expect(code, stderr).toBe(0);
    // Masks come down when an organ is complete, two times.
    expect(calls).toMatchObject({
      ...{ prepare_slices: 11, decode_masks: 11 },
      ...{ keep_masks: 11, read_masks: 2 },
    });
    await onCpu(segment("cpu", "--ml", "--statistics"));
    expect(hashes(at("gpu/q"))).toEqual(hashes(at("cpu/q")));
  });

  it("has its masks filtered on the host: the CPU's files, too", async () => {
    const filtered = ["--ml", "--statistics", "--largest-component"];
    const { code, stderr } = await onGpu({}, segment("gpu-filtered", ...filtered));
    expect(code, stderr).toBe(0);
    await onCpu(segment("cpu-filtered", ...filtered));
    expect(hashes(at("gpu-filtered/q"))).toEqual(hashes(at("cpu-filtered/q")));
  });

  it("has all probabilities brought down for a segmenter that passes its request on", async () => {
    const text = `
      const sam = await medlsam.Sam.load(${JSON.stringify(sam)}, { device: "cuda" });
      const segmenter = { name: "both", segment: (request) => sam.segment(request) };
      const organs = { liver: ${JSON.stringify(small.liver)} };
      const done = await medlsam.segment(${JSON.stringify(scan)}, { segmenter, organs });
      console.log(done.organs.liver.voxels > 0);
      done.close();
      sam.close();`;
    const { code, stdout, stderr, calls } = await counted((log) =>
      startModule({ ...standIn, ...log }, text),
    );
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: "true\n" });
    expect(calls).toMatchObject({ decode_masks: 1, keep_masks: 1, read_masks: 1 });
  });

  it("is localized and segmented in one run, its files written beside the next one: the CPU's masks", async () => {
    const copy = at("r.nii.gz");
    copyFileSync(scan, copy);
    const whole = (output: string) => [
      ...["segment", scan, copy, ...models, "--sam", sam, "--scales", "0", "--min-score", "-1"],
      ...["-o", at(output)],
    ];
    const { code, stderr, calls } = await onGpu({}, whole("whole-gpu"));
    expect(code, stderr).toBe(0);
    // Each scan goes up once, for its grid and its slices.
    expect(calls).toMatchObject({ load_volume: 2, fill_grid: 2, find_peaks: expect.any(Number) });
    await onCpu(whole("whole-cpu"));
    for (const name of ["q", "r"]) {
      const masks = (output: string) =>
        Object.entries(hashes(at(output, name))).filter(([file]) => file.endsWith(".nii.gz"));
      expect(masks("whole-gpu").length).toBeGreaterThan(0);
      expect(masks("whole-gpu")).toEqual(masks("whole-cpu"));
    }
  });

  it("has its templates' supports gridded there, of whose features only kernels come down", async () => {
    const build = ["template", "build", scan, "--labels", scan.replace("q.nii", "q_label.nii")];
    const args = (name: string) => [
      ...[...build, "--classes", "1", "--medlam", medlam],
      ...["-o", at(`${name}.safetensors`)],
    ];
    const { code, stderr, calls } = await onGpu({}, args("gpu"));
    expect(code, stderr).toBe(0);
    expect(calls).toMatchObject({ fill_grid: 1, gather_patches: expect.any(Number) });
    // Three scales of each batch.
    expect(calls.support_kernels).toBe(3 * (calls.gather_patches ?? 0));
    const search = (name: string) =>
      onCpu([
        "localize",
        scan,
        "-t",
        at(`${name}.safetensors`),
        "--medlam",
        medlam,
        "--scales",
        "0",
      ]);
    await onCpu(args("cpu"));
    expectAlike((await search("gpu")).stdout, (await search("cpu")).stdout);
  });
});

describe("memory of the GPU that does not suffice", () => {
  it("is asked for in smaller batches, with the same boxes", async () => {
    const whole = await onGpu({}, localize("--survey", "--scales", "0"));
    // Room for the grid, and for a few patches of 64³ at a time.
    const little = { MEDLSAM_STAND_IN_MEMORY: "24" };
    const halved = await onGpu(little, localize("--survey", "--scales", "0"));
    expect(halved.code, halved.stderr).toBe(0);
    const gathered = ({ calls }: typeof whole) => calls.gather_patches ?? 0;
    expect(gathered(halved)).toBeGreaterThan(gathered(whole));
    expectAlike(halved.stdout, whole.stdout);
  });

  it("leaves a scan to the CPU whose grid does not fit", async () => {
    const { code, stdout, stderr, calls } = await onGpu(
      { MEDLSAM_STAND_IN_MEMORY: "1" },
      localize("--scales", "0"),
    );
    expect(code, stderr).toBe(0);
    expect(calls).not.toHaveProperty("gather_patches");
    expectAlike(stdout, (await onCpu(localize("--scales", "0"))).stdout);
  });

  it("is an error that says what the scan holds where one patch is too much", async () => {
    const { code, stderr } = await onGpu({ MEDLSAM_STAND_IN_MEMORY: "24" }, localize());
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /Out of memory\. The scan holds \d+ MB of cuda:0, where \d+ MB are free/,
    );
  });
});

describe("a GPU that is lost in the middle", () => {
  const lost = { MEDLSAM_STAND_IN_CUDA_CALLS: "2" };

  it("fails the scan with its reason", async () => {
    const { code, stdout, stderr } = await onGpu(lost, localize("--scales", "0"));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/q\.nii\.gz: CUDA: work on the GPU failed: unspecified launch failure/);
  });

  it("is replaced by the CPU with --fallback cpu", async () => {
    const { code, stderr } = await onGpu(lost, segment("fallback", "--fallback", "cpu"));
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /the GPU failed, this scan and all later ones are done on the CPU: CUDA/,
    );
    await onCpu(segment("instead"));
    expect(hashes(at("fallback/q"))).toEqual(hashes(at("instead/q")));
  });
});

describe("a CUDA plugin that cannot be used", () => {
  writeFileSync(at("text.so"), "not a library");

  it.each([
    ["is not there", { MEDLSAM_CUDA: "/nowhere.so" }, /tried MEDLSAM_CUDA: \/nowhere\.so/],
    ["is no library", { MEDLSAM_CUDA: at("text.so") }, /could not be loaded: .*text\.so/],
    ["is another plugin", { MEDLSAM_CUDA: standIn.MEDLSAM_TORCH }, /is not medlsam's CUDA plugin/],
    ["is of another version", { MEDLSAM_STAND_IN_CUDA_ABI: "1" }, /has interface 1, wanted \d+/],
    ["finds no driver", { MEDLSAM_STAND_IN_GPUS: "-1" }, /there is no NVIDIA driver/],
    ["sees no GPU", { MEDLSAM_STAND_IN_GPUS: "0" }, /the NVIDIA driver shows no GPU/],
    [
      "is newer than the driver",
      { MEDLSAM_STAND_IN_CUDA: "12040" },
      /driver is for CUDA 12\.4, older than the CUDA 13\.0 that the plugin was built with: update/,
    ],
  ])("is a line if it %s, and the CPU does its work", async (_, change, why) => {
    const { code, stdout, stderr, calls } = await onGpu(change, localize("--scales", "0"));
    expect(code, stderr).toBe(0);
    const lines = linesOf(stderr);
    expect(lines).toEqual([
      expect.stringMatching(
        /^medlsam: networks compute on cuda:0, what surrounds them on the CPU: /,
      ),
    ]);
    expect(lines[0]).toMatch(why);
    expect(calls).toEqual({});
    expect(organsOf(stdout)).toHaveLength(1);
  });

  it("is a line if the GPU's number is not there for it", async () => {
    const environment = { ...standIn, MEDLSAM_STAND_IN_TORCH_GPUS: "2" };
    const args = [...localize("--scales", "0"), "--device", "cuda:1"];
    const { code, stderr } = await startWithin(environment, args).done;
    expect(code, stderr).toBe(0);
    expect(linesOf(stderr)).toEqual([
      expect.stringMatching(
        /^medlsam: networks compute on cuda:1, .*There is no GPU cuda:1: the driver shows one GPU, cuda:0\.$/,
      ),
    ]);
  });
});

describe("info", () => {
  async function told(environment: Environment): Promise<Info["cudaPlugin"]> {
    const { stdout } = await startWithin(environment, ["info", "--json"]).done;
    return (JSON.parse(stdout) as Info).cudaPlugin;
  }

  it("describes the plugin", async () => {
    expect(await told(standIn)).toEqual({
      path: standIn.MEDLSAM_CUDA,
      version: "13.0",
      architectures: "host",
      pool: 2 ** 28,
      masks: 2 ** 24,
      devices: ["cuda:0"],
    });
    const { stdout } = await startWithin(standIn, ["info"]).done;
    expect(stdout).toMatch(/^CUDA plugin: +for CUDA 13\.0, compute capabilities host$/m);
    expect(stdout).toMatch(/^ {2}memory: +a scan keeps up to 256 MiB .*, and masks in 16 MiB$/m);
  });

  it("says where it was looked for, and why it did not load", async () => {
    const missing = await told({ ...noDriver, MEDLSAM_CUDA: "/nowhere.so" });
    expect(missing).toEqual({ error: expect.stringContaining("tried /nowhere.so: no such file") });
    const old = await told({ ...standIn, MEDLSAM_STAND_IN_CUDA_ABI: "1" });
    expect(old).toEqual({ error: expect.stringMatching(/interface 1, wanted \d+/) });
  });

  it("says why a plugin that loads sees no GPU", async () => {
    const none = await told({ ...standIn, MEDLSAM_STAND_IN_GPUS: "-1" });
    expect(none).toMatchObject({ devices: [], noGpu: expect.stringContaining("no NVIDIA driver") });
    const { stdout } = await startWithin({ ...standIn, MEDLSAM_STAND_IN_GPUS: "0" }, ["info"]).done;
    expect(stdout).toMatch(/^ {2}no GPU: +No GPU can be used: the NVIDIA driver shows no GPU/m);
  });
});
