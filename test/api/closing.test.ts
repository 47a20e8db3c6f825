import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  evaluate,
  Grid,
  localize,
  models,
  type SegmentedOrgan,
  segment,
  steps,
  Templates,
  UsageError,
} from "../../lib/index.js";
import { annotated, failure, makeObjects, organs, smallVolume } from "../support/api.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-closing-"));
const file = join(folder, "file.nii");
afterAll(() => rmSync(folder, { recursive: true }));

describe("a closed object", async () => {
  const open = await makeObjects();
  const { medlam } = open;
  const templates = await Templates.open(await sharedTemplates("small"));
  const closed = {
    ...(await makeObjects()),
    templates: await Templates.open(models("demo").files.templates),
  };
  for (const each of Object.values(closed)) {
    each.close();
    each.close();
  }
  const liver = closed.segmentation.organs.liver as SegmentedOrgan;
  const uses: [string, () => unknown][] = [
    ["volume", () => closed.volume.values()],
    ["volume", () => closed.volume.write(file)],
    ["volume", () => Grid.make(closed.volume)],
    ["volume", () => localize(closed.volume, { medlam, templates })],
    ["volume", () => segment(closed.volume, { segmenter: open.sam, organs: {} })],
    ["volume", () => evaluate({ prediction: closed.volume, truth: open.volume })],
    ["volume", () => steps.toLas(closed.volume)],
    ["checkpoint .*medlam.pth", () => closed.checkpoint.tensor("fc3.weight")],
    ["checkpoint .*medlam.pth", () => closed.checkpoint.write(file)],
    ["network .*medlam.pth", () => closed.medlam.run(new Float32Array(medlam.patch ** 3), -1)],
    [
      "network .*medlam.pth",
      () => localize(open.volume, { medlam: closed.medlam, templates, grid: open.grid }),
    ],
    ["network .*sam_tiny.pth", () => closed.sam.encode(new Float32Array(open.sam.imageSize ** 2))],
    ["network .*sam_tiny.pth", () => segment(annotated.image, { segmenter: closed.sam, organs })],
    ["templates .*demo", () => closed.templates.save(file)],
    ["grid", () => localize(open.volume, { medlam, templates, grid: closed.grid })],
    ["segmentation", () => closed.segmentation.labelMap()],
    ["segmentation", () => closed.segmentation.writeLabelMap(file)],
    ["segmentation", () => closed.segmentation.writePreview(file)],
    ["segmentation", () => liver.mask()],
    ["segmentation", () => liver.toVolume()],
    ["segmentation", () => liver.write(file)],
  ];
  it.each(uses)("is refused by its name: the %s, %s", async (name, use) => {
    const error = await failure(use);
    expect(error).toBeInstanceOf(UsageError);
    expect(error?.message).toMatch(new RegExp(`^The ${name}.* is closed\\.`));
  });
});

describe("a using declaration", () => {
  it("closes what it declares at the end of its block", async () => {
    const volume = await smallVolume();
    {
      using scoped = volume;
      expect(await scoped.values()).toHaveLength(27);
    }
    await expect(volume.values()).rejects.toThrow(/^The volume is closed\./);
    for (const object of Object.values(await makeObjects())) {
      expect(object[Symbol.dispose]).toBeTypeOf("function");
      await using scoped = object;
      expect(scoped).toBe(object);
    }
  });
});
