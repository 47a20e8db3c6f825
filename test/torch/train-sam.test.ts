import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Checkpoint,
  evaluate,
  type OrganPrompt,
  Sam,
  segment,
  trainSam,
  Volume,
} from "../../lib/index.js";
import { data, expectRefusal, medlam, run, start, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-train-sam-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const affine = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1];
const shape: [number, number, number] = [12, 48, 40];

/** Two balls, one brighter and one darker than what is around them, and their label map. */
async function writeScan(name: string, shift: number): Promise<void> {
  const [slices, rows, columns] = shape;
  const image = new Int16Array(slices * rows * columns);
  const labels = new Uint8Array(image.length);
  const balls = [
    { center: [5, 15 + shift, 12], radius: 9, label: 2, hu: 300 },
    { center: [6, 34 - shift, 28], radius: 8, label: 5, hu: -400 },
  ] as const;
  for (let i = 0; i < image.length; i++) {
    const x = i % columns;
    const y = Math.floor(i / columns) % rows;
    const z = Math.floor(i / (columns * rows));
    image[i] = ((3 * x + 5 * y + 7 * z) % 11) * 8 - 40;
    for (const { center, radius, label, hu } of balls) {
      const distance = Math.hypot(2 * (z - center[0]), y - center[1], x - center[2]);
      if (distance <= radius) [image[i], labels[i]] = [hu, label];
    }
  }
  for (const [values, ending] of [[image, ""] as const, [labels, "_label"] as const]) {
    const volume = await Volume.fromArray(values, { shape, affine });
    await volume.write(at(`${name}${ending}.nii.gz`));
    volume.close();
  }
}

/** A list file of some of the scans, or of their label maps. */
function list(name: string, files: string[]): string {
  writeFileSync(at(name), files.map((file) => `${at(file)}\n`).join(""));
  return at(name);
}

beforeAll(async () => {
  await writeScan("a", 0);
  await writeScan("b", 2);
  await writeScan("c", 1);
  list("images.txt", ["a.nii.gz", "b.nii.gz"]);
  list("labels.txt", ["a_label.nii.gz", "b_label.nii.gz"]);
  list("valid.txt", ["c.nii.gz"]);
  list("valid-labels.txt", ["c_label.nii.gz"]);
});

const sizes = [
  ...[
    "--image-size",
    "64",
    "--patch-size",
    "8",
    "--width",
    "32",
    "--depth",
    "2",
    "--heads",
    "2",
    "--mlp",
    "64",
  ],
  ...["--window", "4", "--global", "1", "--channels", "32", "--decoder-mlp", "64"],
];
const trainOn = (images: string, labels: string, output: string, ...more: string[]) => [
  ...["train", "sam", images, "--labels", labels, "-o", at(output)],
  ...["--cache", at("slices"), "--batch", "2", "--lr", "3e-3", "--threads", "1", ...more],
];
const trainFrom = (output: string, ...more: string[]) =>
  trainOn(at("images.txt"), at("labels.txt"), output, ...more);
const train = (output: string, ...more: string[]) => trainFrom(output, ...sizes, ...more);
const valid = () => ["--valid-images", at("valid.txt"), "--valid-labels", at("valid-labels.txt")];
const model = (run: string) => readFileSync(at(run, "sam.safetensors"));
const curve = (run: string) =>
  readFileSync(at(run, "curve.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

describe("medlsam train sam", () => {
  it("makes a SAM that segments another scan's organs from their boxes", async () => {
    const { stdout, stderr } = await succeed(
      ...train("whole", "--steps", "120", "--epochs", "2", ...valid()),
    );
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /epoch 2: Dice loss [\d.]+, cross-entropy [\d.]+, Dice [\d.]+ on other scans/,
    );
    expect(stderr).toContain("SAM after 240 steps");
    const epochs = curve("whole").filter(({ epoch }) => epoch !== undefined);
    const [first, last] = [epochs[0] ?? {}, epochs[1] ?? {}];
    expect(last.dice).toBeLessThan(0.5 * (first.dice ?? 0));
    expect(last.validationDice).toBeGreaterThan(0.8);
    // Label by label: both organs are on the only scan, so their mean is the scan's.
    const byLabel = [last["labelDice.2"] ?? 0, last["labelDice.5"] ?? 0] as const;
    expect((byLabel[0] + byLabel[1]) / 2).toBeCloseTo(last.validationDice ?? 0, 12);
    expect(stderr).toMatch(/epoch 2: .*\(lowest: label [25] [\d.]+, label [25] [\d.]+\)/);
    expect(stderr).toMatch(/^ {2}label 2: Dice 0\.\d{3}\n {2}label 5: Dice 0\.\d{3}$/m);

    const { metadata } = await Checkpoint.open(at("whole/sam.safetensors"));
    expect(metadata.mask_sampling).toBe("centers");
    const sam = await Sam.load(at("whole/sam.safetensors"));
    expect([sam.imageSize, sam.grid, sam.width, sam.depth]).toEqual([64, 8, 32, 2]);
    const organs = {
      bright: { label: 2, box: { min: [1, 7, 3], max: [9, 25, 21] } },
      dark: { label: 5, box: { min: [2, 25, 20], max: [10, 41, 36] } },
    } satisfies Record<string, OrganPrompt>;
    const segmentation = await segment(at("c.nii.gz"), { segmenter: sam, organs });
    await segmentation.writeLabelMap(at("c_found.nii.gz"));
    const names = new Map([
      [2, "bright"],
      [5, "dark"],
    ]);
    const truth = at("c_label.nii.gz");
    const found = await evaluate({ prediction: at("c_found.nii.gz"), truth, names });
    expect(found.organs.bright?.dice).toBeGreaterThan(0.8);
    expect(found.organs.dark?.dice).toBeGreaterThan(0.8);
  });

  it("resumed after an epoch, is the run that was not stopped, to the bit", async () => {
    const some = ["--steps", "4", "--epochs", "3", ...valid()];
    await succeed(...train("straight", ...some));
    const { process, done, says } = start(train("parts", ...some));
    await says("epoch 1: ");
    process.kill("SIGINT");
    expect((await done).code).toBe(130);
    await succeed(...train("parts", ...some, "--resume"));
    expect(model("parts").equals(model("straight"))).toBe(true);
    const losses = (run: string) => curve(run).map(({ step, dice, iou }) => [step, dice, iou]);
    expect(losses("parts")).toEqual(losses("straight"));
    const { looksLike } = await Checkpoint.open(at("parts/checkpoint.safetensors"));
    expect(looksLike).toBe("SAM");
  });

  it("trains the mask decoder of a checkpoint on, and its encoder if asked", async () => {
    const some = ["--steps", "2", "--epochs", "1", "--from", data("sam/sam_tiny.pth")];
    await succeed(...trainFrom("decoder", ...some));
    await succeed(...trainFrom("encoder", ...some, "--encoder"));
    const names = ["whole", "decoder", "encoder"].map((run) => at(run, "sam.safetensors"));
    const [, decoder, encoder] = await Promise.all(names.map((name) => Sam.load(name)));
    const tiny = await Sam.load(data("sam/sam_tiny.pth"));
    const slice = Float32Array.from({ length: tiny.imageSize ** 2 }, (_, i) => i % 256);
    const embedding = await tiny.encode(slice);
    expect(await decoder?.encode(slice)).toEqual(embedding);
    expect(await encoder?.encode(slice)).not.toEqual(embedding);
    expect(decoder?.fingerprint).not.toBe(tiny.fingerprint);
  });

  it("refuses a checkpoint of another network, and sizes beside one", async () => {
    const other = await run(...trainFrom("other", "-q", "--from", medlam));
    expectRefusal(other, 3, "medlam.pth: not a SAM checkpoint");
    const sized = trainFrom("other", "-q", "--from", data("sam/sam_tiny.pth"), "--width", "32");
    expectRefusal(await run(...sized), 2, "Sizes cannot be given with a checkpoint");
    expectRefusal(await run(...train("other", "-q", "--encoder")), 2, "is trained whole");
    expectRefusal(await run(...train("other", "-q", "--channels", "40")), 2, "multiple of 16");
  });

  it("refuses lists of different lengths, and one of the validation's alone", async () => {
    const labels = list("one.txt", ["a_label.nii.gz"]);
    const uneven = trainOn(at("images.txt"), labels, "lists", "-q", ...sizes);
    expectRefusal(await run(...uneven), 2, "2 scans but 1 label map");
    const images = ["--valid-images", at("valid.txt")];
    expectRefusal(await run(...train("lists", "-q", ...images)), 2, "--valid-labels");
  });

  it("names the label map of another geometry, without organs, or with none of the image's", async () => {
    const image = list("other.txt", ["a.nii.gz"]);
    const refusal = async (labels: string) => {
      const maps = list("other-labels.txt", [labels]);
      return run(...trainOn(image, maps, "bad", "-q", ...sizes));
    };
    const moved = await Volume.fromArray(new Uint8Array(12 * 48 * 40), {
      shape,
      affine: affine.with(3, 9),
    });
    await moved.write(at("moved.nii.gz"));
    expectRefusal(await refusal("moved.nii.gz"), 3, "moved.nii.gz: its affine differs");
    const empty = await Volume.fromArray(new Uint8Array(12 * 48 * 40), { shape, affine });
    await empty.write(at("empty.nii.gz"));
    expectRefusal(await refusal("empty.nii.gz"), 3, "shows an organ");
    expectRefusal(await refusal("b.nii.gz"), 3, "b.nii.gz: The label map holds the value");
  });

  it("says which file is not there", async () => {
    const labels = list("missing.txt", ["a_label.nii.gz", "nowhere.nii.gz"]);
    const outcome = await run(...trainOn(at("images.txt"), labels, "missing", "-q", ...sizes));
    expectRefusal(outcome, 3, "nowhere.nii.gz: no such file");
  });

  it("is a function too, which checks its numbers", async () => {
    const scans = [{ image: at("a.nii.gz"), labels: at("a_label.nii.gz") }];
    const wrong = { scans, folder: at("api"), jitter: Number.NaN };
    await expect(trainSam(wrong)).rejects.toThrow("jitter must be a number");
    await expect(trainSam({ ...wrong, jitter: 1, prompts: 0 })).rejects.toThrow("prompts must be");
  });
});
