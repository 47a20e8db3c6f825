import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../lib/index.js";
import { data, expectRefusal, run, start, startWithin, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-processes-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const list = at("list.txt");
writeFileSync(list, `${data("ct/a.nii.gz")}\n${data("ct/b.nii.gz")}\n`);
const labels = at("labels.txt");
writeFileSync(labels, `${data("ct/a_label.nii.gz")}\n${data("ct/b_label.nii.gz")}\n`);

const train = (output: string, ...more: string[]) => [
  ...["train", "medlam", list, "-o", at(output), "--cache", at("scans")],
  ...["--width", "1", "--patch", "32", "--batch", "2", "--steps", "4", "--epochs", "1"],
  ...["--threads", "2", ...more],
];
const two = ["--processes", "2"];
const curve = (run: string) =>
  readFileSync(at(run, "curve.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>);

/** The steps' losses and gradients are those of one process, up to rounding. */
function expectSame(first: string, second: string, names = ["uam", "mss", "gradient"]): void {
  const [one, other] = [curve(first), curve(second)];
  expect(other.map(({ step }) => step)).toEqual(one.map(({ step }) => step));
  for (const [i, record] of one.entries()) {
    for (const name of names) {
      const wanted = record[name] ?? 0;
      expect(Math.abs((other[i]?.[name] ?? 0) - wanted)).toBeLessThanOrEqual(1e-2 * wanted);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

describe("medlsam train medlam in several processes", () => {
  it("does the steps of one process", async () => {
    await succeed(...train("one"));
    const { stderr } = await succeed(...train("two", ...two));
    expect(stderr).toContain("MedLAM after 4 steps");
    expectSame("one", "two");
    const files = (run: string) => readdirSync(at(run)).filter((name) => !name.includes("events"));
    expect(files("two")).toEqual(files("one"));
  });

  it("does so when a launcher starts them", async () => {
    const environment = { WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1" };
    const port = String(await freePort());
    const outcomes = await Promise.all(
      ["0", "1"].map(
        (rank) =>
          startWithin(
            { ...environment, MASTER_PORT: port, RANK: rank, LOCAL_RANK: rank },
            train("launched"),
          ).done,
      ),
    );
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(outcomes[1]?.stderr).toBe("");
    expectSame("one", "launched");
    const bad = startWithin(
      { ...environment, MASTER_PORT: port, RANK: "2" },
      train("launched", "-q", "--resume"),
    );
    expectRefusal(await bad.done, 2, "RANK 2 of WORLD_SIZE 2");
  });

  it("interrupted, stops all, and goes on in one process", async () => {
    const { process, done, says } = start(train("stopped", "--steps", "40", ...two));
    await says("epoch 1 of 1 25 %");
    process.kill("SIGINT");
    const { code, stderr } = await done;
    expect({ code, interrupted: stderr.includes("medlsam: interrupted") }).toEqual({
      code: 130,
      interrupted: true,
    });
    const { metadata } = await Checkpoint.open(at("stopped/checkpoint.safetensors"));
    expect(Number(metadata.step)).toBeGreaterThanOrEqual(10);
    await succeed(...train("stopped", "--steps", "40", "--resume"));
    const steps = curve("stopped").filter(({ epoch }) => epoch === undefined);
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it.skipIf(process.platform !== "linux")(
    "says that a process is lost, and keeps the steps",
    async () => {
      const { process, done, says } = start(train("lost", "--steps", "400", ...two));
      await says("epoch 1 of 1 25 %");
      const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
      for (const pid of children.trim().split(" ")) globalThis.process.kill(Number(pid), "SIGKILL");
      const { code, stderr } = await done;
      expect(code).toBe(1);
      expect(stderr).toContain("Another process of the run ended or cannot be reached");
      expect(stderr).toContain("(process 1 ended with SIGKILL");
      const { metadata } = await Checkpoint.open(at("lost/checkpoint.safetensors"));
      expect(Number(metadata.step)).toBe(curve("lost").at(-1)?.step);
    },
  );

  it("starts no processes where a launcher did", async () => {
    const environment = { WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: "1", RANK: "0" };
    const { done } = startWithin(environment, train("both", "-q", ...two));
    expectRefusal(await done, 2, "--processes cannot be combined with a launcher");
  });

  it("needs a scan for every process", async () => {
    const outcome = await run(...train("many", "-q", "--processes", "3"));
    expectRefusal(outcome, 2, "A batch of 2 cannot be shared by 3 processes");
  });
});

const trainSam = (output: string, batch: number, ...more: string[]) => [
  ...["train", "sam", list, "--labels", labels, "-o", at(output)],
  ...["--cache", at("slices"), "--image-size", "64", "--patch-size", "16", "--width", "16"],
  ...["--depth", "2", "--heads", "2", "--mlp", "32", "--window", "2", "--global", "1"],
  ...["--channels", "16", "--decoder-mlp", "32", "--batch", String(batch), "--steps", "4"],
  ...["--epochs", "1", "--threads", "1", ...more],
];

describe("medlsam train sam in several processes", () => {
  it("does the steps of one process, to the bit with one slice each", async () => {
    await succeed(...trainSam("sam-one", 2));
    const { stderr } = await succeed(...trainSam("sam-two", 2, ...two));
    expect(stderr).toContain("SAM after 4 steps");
    const figures = (run: string) =>
      curve(run).map(({ dice, crossEntropy, iou, gradient }) => [
        dice,
        crossEntropy,
        iou,
        gradient,
      ]);
    expect(figures("sam-two")).toEqual(figures("sam-one"));
    for (const file of ["sam.safetensors", "checkpoint.safetensors"]) {
      expect(readFileSync(at("sam-two", file)).equals(readFileSync(at("sam-one", file)))).toBe(
        true,
      );
    }
  });

  it("does so up to rounding with shares of two slices and of one", async () => {
    await succeed(...trainSam("sam-three", 3));
    await succeed(...trainSam("sam-shared", 3, ...two));
    expectSame("sam-three", "sam-shared", ["dice", "crossEntropy", "iou", "gradient"]);
  });

  it("needs a slice for every process", async () => {
    const outcome = await run(...trainSam("sam-many", 2, "-q", "--processes", "3"));
    expectRefusal(outcome, 2, "A batch of 2 cannot be shared by 3 processes");
  });
});
