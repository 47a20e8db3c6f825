import { describe, expect, it } from "vitest";
import {
  AbortedError,
  type Box,
  type OrganPrompt,
  Sam,
  type Segmenter,
  segment,
  UsageError,
  Volume,
} from "../../lib/index.js";
import { data, scan } from "../support/command.js";

const sam = await Sam.load(data("sam/sam_tiny.pth"));
const volume = await Volume.read(scan);
const [, height, width] = volume.shape;
const box = (first: number, last: number): OrganPrompt => ({
  box: { min: [first, 30, 40], max: [last, 60, 80] },
});
const organs = { low: box(0, 5), high: box(60, 109), none: { present: false }, middle: box(3, 40) };

describe("segment", () => {
  it("gives each organ as soon as it is complete, and the whole at the end", async () => {
    const run = segment(volume, { segmenter: sam, organs });
    const events: string[] = [];
    const whole = run.then((segmentation) => {
      events.push("whole");
      return segmentation;
    });
    for await (const organ of run) {
      events.push(organ.name);
      const mask = await organ.mask();
      expect(mask.reduce((sum, value) => sum + value, 0)).toBe(organ.voxels);
    }
    const segmentation = await whole;
    // Complete in the order of their last slices; the absent one has none to wait for.
    expect(events.filter((name) => name !== "none" && name !== "whole")).toEqual([
      "low",
      "middle",
      "high",
    ]);
    expect(Object.keys(segmentation.organs)).toEqual(Object.keys(organs));
    expect(segmentation.organs.none).toMatchObject({ present: false, voxels: 0, intensity: null });
    segmentation.close();
  });

  it("gives organs that were complete before the loop began", async () => {
    const run = segment(volume, { segmenter: sam, organs });
    const segmentation = await run;
    const names: string[] = [];
    for await (const organ of run) names.push(organ.name);
    expect(names.sort()).toEqual(Object.keys(organs).sort());
    segmentation.close();
  });

  it("is a promise like any other, and throws nothing at the call", async () => {
    const run = segment("nowhere.nii", { segmenter: sam, organs });
    expect(run).toBeInstanceOf(Promise);
    let settled = false;
    const caught = await run
      .catch((error: Error) => error)
      .finally(() => {
        settled = true;
      });
    expect(settled).toBe(true);
    expect(caught).toMatchObject({ code: "FILE_NOT_FOUND" });
    const wrong = (segment as unknown as () => Promise<unknown>)();
    await expect(wrong).rejects.toThrow(UsageError);
  });

  it("leaves no rejection unhandled when it is only iterated over", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listen);
    const loop = async () => {
      for await (const _ of segment("nowhere.nii", { segmenter: sam, organs })) expect.fail();
    };
    await expect(loop()).rejects.toThrow("nowhere.nii");
    for await (const _ of segment(volume, { segmenter: sam, organs })) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("stops when a loop is left, and when its signal fires", async () => {
    const run = segment(volume, { segmenter: sam, organs });
    for await (const _ of run) break;
    await expect(run).rejects.toThrow(AbortedError);
    const signal = AbortSignal.abort();
    const stopped = segment(volume, { segmenter: sam, organs, signal });
    await expect(stopped).rejects.toThrow(AbortedError);
    const loop = async () => {
      for await (const _ of segment(volume, { segmenter: sam, organs, signal })) expect.fail();
    };
    await expect(loop()).rejects.toThrow(AbortedError);
  });

  it("reports progress by slices, and several share one SAM", async () => {
    const seen: number[] = [];
    const runs = [0, 1].map((i) =>
      segment(volume, {
        segmenter: sam,
        organs,
        onProgress: ({ done, total }) => {
          if (i === 0 && total === 91) seen.push(done);
        },
      }),
    );
    const [a, b] = await Promise.all(runs);
    expect(seen.at(-1)).toBe(91);
    expect(a?.timing.counts.encoderRuns).toBe(91);
    const [first, second] = [await a?.labelMap(), await b?.labelMap()];
    expect(Buffer.compare(first as Uint8Array, second as Uint8Array)).toBe(0);
    for (const each of [a, b]) each?.close();
  });

  const wrong: [Record<string, OrganPrompt>, RegExp][] = [
    [{ a: { box: { min: [9, 0, 0], max: [3, 5, 5] } } }, /"a": .* upside down/],
    [{ a: { box: { min: [110, 0, 0], max: [120, 5, 5] } } }, /"a": .* outside the volume/],
    [{ a: { box: { min: [0.5, 0, 0], max: [3, 5, 5] } } }, /whole voxels/],
    [{ a: { points: [{ voxel: [0, 0, 150] }] } }, /outside the volume/],
    [
      { a: { ...box(0, 1), label: 3 }, b: { ...box(0, 1), label: 3 } },
      /"a" and "b" have the same label 3/,
    ],
    [{ a: { ...box(0, 1), label: 70_000 } }, /from 1 to 65535/],
  ];
  it.each(wrong)("refuses %o", async (prompts, told) => {
    const run = segment(volume, { segmenter: sam, organs: prompts });
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(told);
  });

  const outside: Box = { min: [120, 30, 40], max: [130, 60, 80] };

  it.each(["exact", "reference"] as const)(
    "passes over parts outside the scan in %s conventions",
    async (conventions) => {
      const parts: Box[] = [{ min: [100, 30, 40], max: [130, 60, 80] }, outside];
      const organs = { a: { parts } };
      const segmentation = await segment(volume, { segmenter: sam, organs, conventions });
      expect(segmentation.timing.counts.encoderRuns).toBe(10);
      segmentation.close();
    },
  );

  it("passes over an organ outside the scan in reference conventions, as the published code does", async () => {
    const organs = { a: { parts: [outside] } };
    await expect(segment(volume, { segmenter: sam, organs })).rejects.toThrow(/outside the volume/);
    const conventions = "reference";
    const segmentation = await segment(volume, { segmenter: sam, organs, conventions });
    expect(segmentation.timing.counts.encoderRuns).toBe(0);
    segmentation.close();
  });
});

describe("a segmenter of one's own", () => {
  /** Whatever is denser than fat in the boxes. */
  const threshold: Segmenter = {
    name: "threshold",
    async segment({ volume, organs, masks, onComplete }) {
      const hu = await volume.values();
      for (const [i, { boxes }] of organs.entries()) {
        for (const { min, max } of boxes) {
          const probabilities: number[] = [];
          for (let z = min[0]; z <= max[0]; z++)
            for (let y = min[1]; y <= max[1]; y++)
              for (let x = min[2]; x <= max[2]; x++)
                probabilities.push((hu[(z * height + y) * width + x] as number) > -50 ? 0.9 : 0.1);
          await masks.set(i, { min, max }, Float32Array.from(probabilities));
        }
        onComplete(i);
      }
      return { counts: { boxes: organs.length } };
    },
  };

  it("stands in for SAM", async () => {
    const segmentation = await segment(volume, { segmenter: threshold, organs });
    const hu = await volume.values();
    const mask = (await segmentation.organs.low?.mask()) as Uint8Array;
    const wanted = hu.map((value, i) => {
      const [z, y, x] = [
        Math.floor(i / (height * width)),
        Math.floor(i / width) % height,
        i % width,
      ];
      return +(z <= 5 && y >= 30 && y <= 60 && x >= 40 && x <= 80 && value > -50);
    });
    expect(Buffer.compare(mask, Uint8Array.from(wanted))).toBe(0);
    expect(segmentation.timing).toMatchObject({ counts: { boxes: 4 }, seconds: {} });
    segmentation.close();
  });

  it("fails the scan when it fails", async () => {
    const broken: Segmenter = {
      name: "broken",
      segment: () => Promise.reject(new Error("no GPU")),
    };
    const run = segment(volume, { segmenter: broken, organs });
    await expect(run).rejects.toThrow("no GPU");
  });

  it("is told when its probabilities do not fit", async () => {
    const short: Segmenter = {
      name: "short",
      async segment({ masks }) {
        await masks.set(0, { min: [0, 0, 0], max: [1, 1, 1] }, new Float32Array(7));
        return {};
      },
    };
    const run = segment(volume, { segmenter: short, organs });
    await expect(run).rejects.toThrow("8 voxels came with 7 probabilities");
  });
});
