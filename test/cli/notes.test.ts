/** Weights that say what they are, and results that repeat it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint, type Localization, MedLam, Sam, Templates } from "../../lib/index.js";
import { data, expectRefusal, medlam, run, scan, succeed, supports } from "../support/command.js";
import { conformance, largestDifference, TensorFile } from "../support/data.js";
import { readJson, sam, small, writeBoxes } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-notes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const note = "made for a test, not for patients";
const noted = {
  medlam: join(folder, "medlam.safetensors"),
  sam: join(folder, "sam.safetensors"),
  templates: join(folder, "templates.safetensors"),
};

beforeAll(async () => {
  const convert = (from: string, to: string) =>
    succeed("models", "convert", from, "-o", to, "--float16", "--note", note);
  await convert(medlam, noted.medlam);
  await convert(sam, noted.sam);
  const build = ["template", "build", ...supports, "--classes", "1", "-o", noted.templates];
  await succeed(...build, "--medlam", noted.medlam, "-q");
});

describe("float16 and int8 weights", () => {
  it.each(["medlam", "sam"] as const)("%s: every number is the nearest there is", async (which) => {
    const from = await Checkpoint.open(which === "sam" ? sam : medlam);
    const to = await Checkpoint.open(noted[which]);
    expect(to.format).toBe("safetensors");
    expect(to.tensors.map(({ name, shape }) => [name, shape])).toEqual(
      from.tensors.map(({ name, shape }) => [name, shape]),
    );
    for (const { name, dtype } of to.tensors) {
      expect(dtype).toBe("F16");
      const [found, wanted] = [await to.tensor(name), await from.tensor(name)].map(
        (bytes) => new Float32Array(bytes),
      ) as [Float32Array, Float32Array];
      // 11 significant bits; below 2^-14 steps of 2^-24.
      const far = wanted.findIndex((value, i) => {
        const half = Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
        return !(Math.abs((found[i] as number) - value) <= half);
      });
      expect(far, `${name}[${far}]`).toBe(-1);
    }
    expect(statSync(noted[which]).size).toBeLessThan(2 * to.parameters + 64_000);
  });

  it("MedLAM computes with them, in float32", async () => {
    const file = await TensorFile.open("medlam/forward.safetensors");
    const network = await MedLam.load(noted.medlam);
    const { positions } = await network.run(await file.floats("x"), -1);
    const difference = largestDifference(positions, await file.read("position"));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.05);
    // PyTorch narrowed the same weights.
    const half = await MedLam.load(conformance("medlam/medlam_fp16.pth"));
    expect(network.fingerprint).toBe(half.fingerprint);
  });

  it("SAM computes with them, in float32", async () => {
    const [half, whole] = [await Sam.load(noted.sam), await Sam.load(sam)];
    const slice = Float32Array.from({ length: half.imageSize ** 2 }, (_, i) => (i * 37) % 256);
    const [found, wanted] = [await half.encode(slice), await whole.encode(slice)];
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const difference = largestDifference(found, wanted);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.02 * largest);
  });

  it("int8 weights compute as float32, at a quarter of its size", async () => {
    const path = join(folder, "int8.safetensors");
    await succeed("models", "convert", medlam, "-o", path, "--int8", "--note", note);
    const [packed, original] = [await Checkpoint.open(path), await Checkpoint.open(medlam)];
    expect(packed).toMatchObject({ format: "safetensors int8", note, looksLike: "MedLAM" });
    expect(packed.tensors.map(({ name, shape }) => [name, shape])).toEqual(
      original.tensors.map(({ name, shape }) => [name, shape]),
    );
    expect(statSync(path).size).toBeLessThan(1.2 * original.parameters + 16_000);

    const file = await TensorFile.open("medlam/forward.safetensors");
    const network = await MedLam.load(path);
    const { positions } = await network.run(await file.floats("x"), -1);
    const difference = largestDifference(positions, await file.read("position"));
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.1);

    const again = join(folder, "float16.safetensors");
    await succeed("models", "convert", path, "-o", again, "--float16");
    const unpacked = await Checkpoint.open(again);
    expect(unpacked.format).toBe("safetensors");
    expect(unpacked.tensors.map(({ name }) => name)).toEqual(
      original.tensors.map(({ name }) => name),
    );
  });

  it("refuses both types at once, and int8 weights without their scales", async () => {
    const [out, broken] = [join(folder, "both.safetensors"), join(folder, "broken.safetensors")];
    const both = await run("models", "convert", medlam, "-o", out, "--int8", "--float16");
    expect(both.code).toBe(2);
    expect(both.stderr).toContain("cannot be used with option '--float16'");
    const checkpoint = await Checkpoint.open(medlam);
    await expect(checkpoint.write(out, { int8: true, float16: true })).rejects.toThrow(/not both/);

    await checkpoint.write(broken, { int8: true });
    const renamed = readFileSync(broken, "latin1").replaceAll("int8_scale", "int8_sca1e");
    writeFileSync(broken, renamed, "latin1");
    expectRefusal(
      await run("localize", scan, "--medlam", broken, "-t", noted.templates),
      3,
      broken,
      "holds I8",
    );
    writeFileSync(
      broken,
      renamed.replaceAll("int8_sca1e", "int8_scale").replace('"I8"', '"U8"'),
      "latin1",
    );
    expectRefusal(await run("models", "inspect", broken), 3, broken, "scales no tensor of type I8");
  });

  it("refuses a number that float16 cannot hold, and a file that is no .safetensors", async () => {
    const header = JSON.stringify({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const path = join(folder, "large.safetensors");
    const numbers = Buffer.from(Float32Array.of(1, 1e6).buffer);
    writeFileSync(path, Buffer.concat([length, Buffer.from(header), numbers]));
    const out = join(folder, "out.safetensors");
    const refused = await run("models", "convert", path, "-o", out, "--float16");
    expectRefusal(refused, 3, path, "'w'", "1000000", "float16");
    expect(readdirSync(folder)).not.toContain("out.safetensors");
    expectRefusal(await run("models", "convert", path, "-o", join(folder, "a.pth")), 2, "a.pth");
    expectRefusal(await run("models", "convert", path, "-o", path), 2, "would be overwritten");
  });
});

describe("a note in the weights", () => {
  const from = ["-t", noted.templates, "--medlam", noted.medlam];

  it("is kept to one harmless line", async () => {
    const path = join(folder, "hostile.safetensors");
    const hostile = `a\u001b[2Jb\n${"c".repeat(1000)}`;
    await (await Checkpoint.open(medlam)).write(path, { metadata: { note: hostile } });
    const network = await MedLam.load(path);
    expect(network.note).toBe(`a [2Jb ${"c".repeat(293)}`);
    expect((await MedLam.load(medlam)).note).toBe("");
  });

  it("is in templates", async () => {
    const templates = await Templates.open(noted.templates);
    expect(templates.note).toBe(note);
    const shown = await succeed("template", "show", noted.templates);
    expect(shown.stdout).toContain(note);
  });

  it("is in boxes and on standard error", async () => {
    const output = join(folder, "boxes.json");
    const { stderr } = await succeed(
      "localize",
      scan,
      ...from,
      "-o",
      output,
      "--markups",
      "--min-score",
      "-1",
    );
    expect(stderr.split("\n").filter((line) => line === note)).toEqual([note]);
    expect(readJson<Localization>(output).note).toBe(note);
  });

  it("is in all that a segmentation writes", async () => {
    const boxes = writeBoxes(join(folder, "given.json"), small);
    const [output, report] = [join(folder, "masks"), join(folder, "report.json")];
    const wanted = ["--statistics", "--preview", "--report", report, "-o", output];
    await succeed("segment", scan, "--boxes", boxes, "--sam", noted.sam, ...wanted);
    const written = (name: string) => join(output, "q", name);
    for (const name of ["boxes.json", "statistics.json"]) {
      expect(readJson<{ note?: string }>(written(name)).note, name).toBe(note);
    }
    expect(readJson<{ models: { note?: string } }>(report).models.note).toBe(note);
    expect(description(written("liver.nii.gz"))).toBe(note);
    expect(readFileSync(written("preview.png")).includes(`Description\0\0\0\0\0${note}`)).toBe(
      true,
    );
  });

  it("of the localization is in masks of another network", async () => {
    const output = join(folder, "others");
    const { stderr } = await succeed("segment", scan, ...from, "--sam", sam, "-o", output, "--ml");
    expect(stderr).toContain(`${note}\n`);
    expect(description(join(output, "q/segmentation.nii.gz"))).toBe(note);
  });

  it("is nowhere without", async () => {
    const boxes = writeBoxes(join(folder, "given.json"), small);
    const output = join(folder, "silent");
    const wanted = ["--statistics", "-o", output];
    await succeed("segment", data("ct/q.nii.gz"), "--boxes", boxes, "--sam", sam, ...wanted);
    expect(readJson(join(output, "q/boxes.json"))).not.toHaveProperty("note");
    expect(readJson(join(output, "q/statistics.json"))).not.toHaveProperty("note");
    expect(description(join(output, "q/liver.nii.gz"))).toBe("medlsam");
  });
});

/** The header's descrip. */
function description(path: string): string {
  const bytes = gunzipSync(readFileSync(path)).subarray(148, 228);
  return bytes.subarray(0, bytes.indexOf(0)).toString();
}
