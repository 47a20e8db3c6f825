/** A disk that is full, as far as a test can be without one: files that cannot grow beyond a limit (ulimit -f). */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRefusal, scan, startLimited, succeed } from "../support/command.js";
import { hashes, sam, small, writeBoxes } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-full-disk-"));
afterAll(() => rmSync(folder, { recursive: true }));
const output = join(folder, "out");
const boxes = writeBoxes(join(folder, "boxes.json"), small);
const segment = ["segment", scan, "--sam", sam, "--boxes", boxes, "-q", "-o"];
let earlier: ReturnType<typeof hashes>;

beforeAll(async () => {
  await succeed(...segment, output, "--statistics");
  earlier = hashes(join(output, "q"), "");
  expect(Object.keys(earlier).sort()).toEqual(["boxes.json", "liver.nii.gz", "statistics.json"]);
});

describe("a disk that fills up while a case's folder is written", () => {
  it.each([
    ["its mask", 1, [], "liver.nii.gz"],
    ["its label map", 1, ["--ml"], "segmentation.nii.gz"],
    ["its preview", 20, ["--preview"], "preview.png"],
    ["its page", 1000, ["--page"], "page.html"],
  ])(
    "at %s: the error names the file, and the earlier results stay",
    async (_, blocks, args, file) => {
      const outcome = await startLimited(blocks, [...segment, output, ...args]).done;
      expectRefusal(outcome, 3, file, "cannot be written", "File too large");
      expect(readdirSync(output)).toEqual(["q"]);
      expect(hashes(join(output, "q"), "")).toEqual(earlier);
    },
  );

  it("a new case leaves no folder, and is done when there is room", async () => {
    const fresh = join(folder, "fresh");
    const limited = await startLimited(1, [...segment, fresh]).done;
    expectRefusal(limited, 3, "liver.nii.gz", "cannot be written");
    expect(readdirSync(fresh)).toEqual([]);
    await succeed(...segment, fresh, "--skip-existing");
    expect(readdirSync(join(fresh, "q")).sort()).toEqual(["boxes.json", "liver.nii.gz"]);
  });
});
