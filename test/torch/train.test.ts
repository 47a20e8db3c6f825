import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  buildTemplates,
  Checkpoint,
  evaluate,
  localize,
  MedLam,
  type TrainMedLamOptions,
  trainMedLam,
} from "../../lib/index.js";
import { data, expectRefusal, run, start, startLimited, succeed } from "../support/command.js";
import { nifti } from "../support/nifti.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-train-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const list = at("list.txt");
writeFileSync(list, `${data("ct/a.nii.gz")}\n${data("ct/b.nii.gz")}\n`);
const valid = at("valid.txt");
writeFileSync(valid, `${data("ct/q.nii.gz")}\n`);

const train = (output: string, ...more: string[]) => [
  ...["train", "medlam", list, "-o", at(output), "--cache", at("scans")],
  ...["--width", "1", "--patch", "32", "--batch", "1", "--steps", "4", "--threads", "1", ...more],
];
const model = (run: string) => readFileSync(at(run, "medlam.safetensors"));
const curve = (run: string) =>
  readFileSync(at(run, "curve.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

const launched = { count: 2, localRank: 0, host: "127.0.0.1", port: 1 };

/** A run that is to fail. */
const refused = (...options: string[]) =>
  run("train", "medlam", "-q", "-o", at("refused"), ...options);

describe("medlsam train medlam", () => {
  /** A run that several tests look at. */
  let whole: Awaited<ReturnType<typeof succeed>>;
  beforeAll(async () => {
    whole = await succeed(...train("whole", "--epochs", "2", "--valid-images", valid));
  });

  it("leaves a model that loads, a checkpoint and a learning curve", async () => {
    const { stderr, stdout } = whole;
    expect(stdout).toBe("");
    expect(stderr).toMatch(/epoch 2: UAM [\d.]+ mm, MSS [\d.]+, [\d.]+ mm on other scans/);
    expect(stderr).toContain("MedLAM after 8 steps");
    const medlam = await MedLam.load(at("whole/medlam.safetensors"));
    expect([medlam.width, medlam.patch]).toEqual([1, 32]);
    const checkpoint = await MedLam.load(at("whole/checkpoint.safetensors"));
    expect(checkpoint.fingerprint).toBe(medlam.fingerprint);
    const { looksLike } = await Checkpoint.open(at("whole/checkpoint.safetensors"));
    expect(looksLike).toBe("MedLAM");
    const lines = curve("whole");
    expect(lines.map(({ step, epoch }) => [step, epoch])).toEqual([
      ...[1, 2, 3, 4].map((step) => [step, undefined]),
      [4, 1],
      ...[5, 6, 7, 8].map((step) => [step, undefined]),
      [8, 2],
    ]);
    expect(lines.at(-1)?.validationMm).toBeGreaterThan(0);
    const names = readdirSync(at("whole"));
    expect(names.filter((name) => name.startsWith("events.out.tfevents."))).toHaveLength(1);
    expect(readFileSync(at("whole/curve.html"), "utf8")).toContain("MSS: loss of features");
  });

  it("compares boxes of annotated scans while it trains", async () => {
    const scans = at("annotated.txt");
    writeFileSync(scans, `${data("ct/a.nii.gz")}\n${data("ct/q.nii.gz")}\n`);
    const labels = at("labels-of-annotated.txt");
    writeFileSync(labels, `${data("ct/a_label.nii.gz")}\n${data("ct/q_label.nii.gz")}\n`);
    const annotated = ["--valid-images", scans, "--valid-labels", labels, "--validate-every", "2"];
    const few = ["--steps", "1", "--epochs", "3"];
    const { stderr } = await succeed(...train("annotated", ...few, ...annotated));
    expect(stderr).toMatch(/epoch 3: .* IoU 0\.\d+, WD [\d.]+ mm/);
    const epochs = curve("annotated").filter(({ epoch }) => epoch !== undefined);
    const compared = epochs.map(({ iou, wdMm }) => [iou, wdMm].map((each) => each !== undefined));
    // Every second epoch, and the last.
    expect(compared).toEqual([false, true, true].map((each) => [each, each]));
    for (const { iou = 0.5, wdMm = 1 } of epochs) {
      expect(iou).toBeGreaterThanOrEqual(0);
      expect(iou).toBeLessThan(1);
      expect(wdMm).toBeGreaterThan(0);
    }
    // Organ by organ: the mean of the organs' figures is the epoch's.
    const byOrgan = Object.entries(epochs.at(-1) ?? {}).flatMap(([name, value]) =>
      name.startsWith("organIou.") ? [value ?? 0] : [],
    );
    expect(byOrgan.length).toBeGreaterThan(1);
    const ofOrgans = byOrgan.reduce((sum, value) => sum + value, 0) / byOrgan.length;
    expect(epochs.at(-1)?.iou).toBeCloseTo(ofOrgans, 12);
    expect(stderr.match(/^ {2}\S.*: IoU 0\.\d{3}$/gm)).toHaveLength(byOrgan.length);
    // What the model of the last epoch does when it is used as any other.
    const medlam = await MedLam.load(at("annotated/medlam.safetensors"));
    const support = { image: data("ct/a.nii.gz"), labels: data("ct/a_label.nii.gz") };
    const templates = await buildTemplates({ medlam, supports: [support] });
    const boxes = await localize(data("ct/q.nii.gz"), { medlam, templates, minScore: -1 });
    const { organs } = await evaluate({ boxes, truth: data("ct/q_label.nii.gz") });
    const there = Object.values(organs).filter(({ truth }) => truth.box !== null);
    const mean = there.reduce((sum, { iou }) => sum + (iou ?? 0), 0) / there.length;
    expect(epochs.at(-1)?.iou).toBeCloseTo(mean, 1);
  });

  it("refuses label maps that do not go with the scans", async () => {
    const outcome = await run(
      ...train("none", "-q", "--valid-images", valid, "--valid-labels", list),
    );
    expectRefusal(outcome, 2, "1 validation scans, but 2 label maps");
    const one = at("one-label.txt");
    writeFileSync(one, data("ct/q_label.nii.gz"));
    const single = await run(
      ...train("none", "-q", "--valid-images", valid, "--valid-labels", one),
    );
    expectRefusal(single, 2, "Give at least two annotated validation scans");
  });

  it("resumed after an epoch, is the run that was not stopped, to the bit", async () => {
    // --valid is the former name of --valid-images.
    await succeed(...train("parts", "--epochs", "1", "--valid", valid));
    await succeed(...train("parts", "--epochs", "2", "--valid", valid, "--resume"));
    expect(model("parts").equals(model("whole"))).toBe(true);
    const losses = (run: string) => curve(run).map(({ step, uam, mss }) => [step, uam, mss]);
    expect(losses("parts")).toEqual(losses("whole"));
  });

  it("interrupted, writes a checkpoint that it resumes from, to the bit", async () => {
    const long = ["--epochs", "1", "--steps", "40"];
    await succeed(...train("long", ...long));
    const { process, done, says } = start(train("stopped", ...long));
    await says("epoch 1 of 1 25 %");
    process.kill("SIGINT");
    const { code, stderr } = await done;
    expect({ code, interrupted: stderr.includes("medlsam: interrupted") }).toEqual({
      code: 130,
      interrupted: true,
    });
    const { metadata } = await Checkpoint.open(at("stopped/checkpoint.safetensors"));
    expect(Number(metadata.step)).toBeGreaterThanOrEqual(10);
    expect(Number(metadata.step)).toBeLessThan(40);
    await succeed(...train("stopped", ...long, "--resume"));
    expect(model("stopped").equals(model("long"))).toBe(true);
    expect(curve("stopped").map(({ step }) => step)).toEqual(curve("long").map(({ step }) => step));
  });

  it("does not write over another run, nor resume one with other options", async () => {
    expectRefusal(await run(...train("whole", "-q")), 2, "holds a run already");
    const other = await run(...train("whole", "-q", "--resume", "--seed", "7"));
    expectRefusal(other, 3, "checkpoint.safetensors: was made with another seed");
  });

  it("says that a checkpoint is damaged", async () => {
    await succeed(...train("cut", "--epochs", "1"));
    truncateSync(at("cut/checkpoint.safetensors"), 5000);
    const outcome = await run(...train("cut", "-q", "--resume"));
    expectRefusal(outcome, 3, "checkpoint.safetensors");
  });

  it("names a scan that cannot be read", async () => {
    const bad = at("bad.txt");
    writeFileSync(bad, `${data("ct/a.nii.gz")}\n${bad}\n`);
    const outcome = await run(...train("bad", bad, "-q"));
    expectRefusal(outcome, 3, "bad.txt");
  });

  it("names a scan that cannot be trained on, and why", async () => {
    const gap = (x: number) => (x === 20 ? Number.NaN : x - 500);
    const bad: [string, Buffer, string][] = [
      ["nan", nifti({ datatype: 16, value: gap }), "NaN or infinite values"],
      ["thin", nifti({ dim: [3, 40, 40, 1], spacing: [6, 6, 1] }), "less than 1.5 mm thick"],
    ];
    for (const [name, file, why] of bad) {
      const path = at(`${name}.nii`);
      writeFileSync(path, file);
      writeFileSync(at("list-of-bad.txt"), `${data("ct/a.nii.gz")}\n${path}\n`);
      const outcome = await run(...train(name, "-q"), "--images", at("list-of-bad.txt"));
      expectRefusal(outcome, 3, `${path}: `);
      expect(outcome.stderr).toContain(why);
      expect(readdirSync(at(name))).toEqual([]);
    }
  });

  it("says what is wrong with a list", async () => {
    const none = await run(...train("list", "-q"), "--images", at("no-list.txt"));
    expectRefusal(none, 3, "no-list.txt: no such file");
    writeFileSync(at("empty.txt"), "# nothing\n");
    const empty = await run(...train("list", "-q"), "--images", at("empty.txt"));
    expectRefusal(empty, 3, "empty.txt: the list is empty");
  });

  it("keeps the last checkpoint when the disk is full", async () => {
    await succeed(...train("full", "--epochs", "1"));
    const before = readFileSync(at("full/checkpoint.safetensors"));
    const rest = train("full", "-q", "--epochs", "2", "--resume");
    // No file may grow beyond 64 KB: a small disk, as far as the command can tell.
    const { code, stderr } = await startLimited(128, rest).done;
    expect(code).toBe(3);
    expect(stderr).toContain("checkpoint.safetensors: cannot be written");
    expect(readFileSync(at("full/checkpoint.safetensors")).equals(before)).toBe(true);
    expect(readdirSync(at("full")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    await succeed(...rest);
    expect(curve("full").map(({ step }) => step)).toEqual([1, 2, 3, 4, 4, 5, 6, 7, 8, 8]);
  });

  it("starts from the published code's training checkpoint, and exports what that code reads", async () => {
    const published = data("medlam/medlam_training.tar");
    // --images is the scans' former spelling.
    const options = ["--images", list, "--cache", at("scans"), "--threads", "1", "--batch", "1"];
    const start = ["--from", published, "--steps", "1", "--epochs", "1", "--lr", "1e-12"];
    await succeed("train", "medlam", "-o", at("from"), ...options, ...start);
    const [before, after, torch] = await Promise.all(
      [published, at("from/medlam.safetensors"), at("from/medlam.pth")].map((path) =>
        MedLam.load(path),
      ),
    );
    expect([torch?.width, torch?.patch]).toEqual([2, 64]);
    expect(torch?.fingerprint).toBe(after?.fingerprint);
    const patch = Float32Array.from({ length: 64 ** 3 }, (_, i) => Math.sin(i) / 2 + 0.5);
    const run = async (medlam: MedLam | undefined) => (await medlam?.run(patch, -1))?.positions;
    const [original, trained, exported] = [await run(before), await run(after), await run(torch)];
    expect(exported).toEqual(trained);
    // A step of so small a learning rate leaves the weights what they were.
    for (let i = 0; i < 3; i++) expect(trained?.[i]).toBeCloseTo(original?.[i] as number, 4);
    const { metadata, tensors } = await Checkpoint.open(at("from/checkpoint.safetensors"));
    expect(metadata.step).toBe("1");
    expect(tensors.some(({ name }) => name.startsWith("adam.mean."))).toBe(true);
    const width = await refused(...options, ...start, "--width", "3");
    expectRefusal(width, 2, "has base width 2, asked for was 3");
  });

  it("calls a GPU by the name of other tools, too", async () => {
    const { code, stdout, stderr } = await run(...train("gpu", "-q", "--device", "gpu:999"));
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch("The device cuda:999 is not there.");
  });

  it("is a function too, which makes its folder and checks its numbers", async () => {
    const options = { scans: [data("ct/a.nii.gz")], cache: at("scans"), threads: 1, seed: 3 };
    const small = { width: 1, patch: 32, batch: 1, steps: 1, epochs: 1 };
    const run = { ...options, ...small, folder: at("made", "by", "the", "function") };
    const { steps, checkpoint } = await trainMedLam(run);
    expect(steps).toBe(1);
    expect((await Checkpoint.open(checkpoint)).metadata.seed).toBe("3");
    const wrong: [Partial<TrainMedLamOptions>, string][] = [
      [{ steps: 1.5 }, "steps must be a whole number from 1 to 1000000000, not 1.5"],
      [{ foreground: -2000 }, "foreground must be a number from -1000 to 3000, not -2000"],
      [{ learningRate: 0 }, "learningRate must be a number from"],
      [{ folder: list }, "list.txt is a file. Give a folder."],
      [{ processes: 2, peer: { ...launched, rank: 0 } }, "leave processes out"],
    ];
    for (const [change, words] of wrong) {
      await expect(trainMedLam({ ...run, ...change })).rejects.toThrow(words);
    }
    const mistyped = { ...run, scans: "scans.txt" } as unknown as TrainMedLamOptions;
    await expect(trainMedLam(mistyped)).rejects.toThrow(
      "trainMedLam: options.scans must be a list",
    );
  });

  it("names a scan that is no CT in HU", async () => {
    const labels = data("ct/a_label.nii.gz");
    writeFileSync(at("labels.txt"), labels);
    const outcome = await run(...train("labels", "-q"), "--images", at("labels.txt"));
    expectRefusal(outcome, 3, labels);
  });
});
