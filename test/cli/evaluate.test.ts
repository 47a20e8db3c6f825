import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { labelTableXml, Volume } from "../../lib/index.js";
import { run, succeed } from "../support/command.js";
import {
  at,
  both,
  boxes,
  cube,
  file,
  mask,
  nothing,
  type Report,
  twoCases,
} from "../support/evaluation-files.js";

const names = twoCases();

async function report(...args: string[]): Promise<Report> {
  return JSON.parse((await succeed("evaluate", "-q", "--format", "json", ...args)).stdout);
}

describe("medlsam evaluate", () => {
  it("compares segment's folders with label maps", async () => {
    const result = await report("--predictions", at("out"), "--truth", at("truth"), ...names);
    const [s1, s2] = result.cases;
    expect([s1?.case, s2?.case]).toEqual(["s1", "s2"]);
    // The mask is right; the box is a voxel off: 6 of 8 walls' volume in common.
    expect(s1?.organs.liver).toMatchObject({ outcome: "found", dice: 1, hd95: 0, nsd: 1, assd: 0 });
    expect(s1?.organs.liver?.iou).toBeCloseTo(6 / 8, 9);
    expect(s1?.organs.liver?.wd).toBeCloseTo((0 + 0 + 2) / 3, 9);
    expect(s1?.organs.liver?.truth).toEqual({
      voxels: 512,
      volume: 512 * 12,
      box: { min: [5, 5, 4], max: [12, 12, 11] },
    });
    expect(s1?.organs.spleen).toMatchObject({ dice: (2 * 448) / 1024, hd95: 2, nsd: 1 });
    // Without boxes.json the boxes are the masks'.
    expect(s2?.organs.liver?.iou).toBeCloseTo(5 / 9, 9);
    expect(s2?.organs.spleen).toMatchObject({ outcome: "missed", iou: 0, dice: 0, hd95: null });
    expect(result.summary.organs.spleen).toMatchObject({ cases: 2, missed: 1 });
    expect(result.summary.organs.spleen?.metrics.hd95).toEqual({ mean: 2, std: 0, count: 1 });
    expect(result.summary.organs.kidney).toBeUndefined();
    expect(result).toMatchObject({ failed: [], unmatched: { predictions: [], truths: [] } });
  });

  it("gives the same bytes whatever the threads, and takes a tolerance and some organs", async () => {
    const paths = ["--predictions", at("out"), "--truth", at("truth"), ...names];
    const one = await report(...paths, "--threads", "1");
    expect(await report(...paths, "--threads", "7")).toEqual(one);
    const strict = await report(...paths, "--tolerance", "0.5", "--organs", "spleen");
    expect(Object.keys(strict.summary.organs)).toEqual(["spleen"]);
    expect(strict.cases[0]?.organs.spleen?.nsd).toBeLessThan(1);
    const { code, stdout, stderr } = await run("evaluate", ...paths, "-q", "--organs", "heart");
    expect({ code, rows: stdout.split("\n")[2] }).toEqual({
      code: 0,
      rows: expect.stringContaining("average"),
    });
    expect(stderr).toMatch(/in no case: heart/);
  });

  it("takes names from the truth's label table, and the prediction's labels by them", async () => {
    const volume = await Volume.read(at("truth/s1_label.nii.gz"));
    const labels = new Map([
      [1, "liver"],
      [2, "spleen"],
    ]);
    const named = at("named_label.nii.gz");
    const stored = await volume.stored();
    await volume.writeLike(named, stored, { labelXml: labelTableXml(labels) });
    const map = mask("named.nii.gz", both(cube(4), cube(16, 2)));
    const { organs } = (await report("--predictions", map, "--truth", named)).summary;
    expect(Object.keys(organs)).toEqual(["liver", "spleen"]);
    expect(organs.liver?.metrics.dice.mean).toBe(1);
    // A segmentation of its own names in another order of labels.
    const other = at("ml/s1/segmentation.nii.gz");
    mkdirSync(dirname(other), { recursive: true });
    const swapped = Uint8Array.from(stored as Uint8Array, (label) => (3 - label) % 3);
    const xml = labelTableXml(
      new Map([
        [2, "liver"],
        [1, "spleen"],
      ]),
    );
    await volume.writeLike(other, swapped, { labelXml: xml });
    const ml = (await report("--predictions", at("ml"), "--truth", named)).summary.organs;
    expect(ml.spleen?.metrics.dice.mean).toBe(1);
    // The labels in boxes.json name what has no names otherwise.
    const from = boxes("named/s1.json", {
      liver: { label: 1, x0: 4 },
      spleen: { label: 2, x0: 9 },
    });
    const byBoxes = await report("--predictions", from, "--truth", at("truth/s1_label.nii.gz"));
    expect(byBoxes.summary.organs.liver?.metrics.iou.mean).toBe(1);
    const numbers = boxes("numbers/s1.json", { 1: { label: 1, x0: 4 } });
    const byNumber = await report("--predictions", numbers, "--truth", named);
    expect(Object.keys(byNumber.summary.organs)).toEqual(["liver", "spleen"]);
  });

  it("evaluates boxes alone for IoU and WD, an absent verdict being a miss", async () => {
    boxes("boxes/s1.json", {
      liver: { label: 1, x0: 4 },
      spleen: { label: 2, x0: 15, present: false },
    });
    file("boxes/s1.mrk.json", "{}");
    const { summary, cases } = await report(
      "--predictions",
      at("boxes"),
      "--truth",
      at("truth"),
      ...names,
    );
    expect(cases[0]?.organs.liver).toMatchObject({ iou: 1, wd: 0, dice: null, hd95: null });
    expect(cases[0]?.organs.spleen).toMatchObject({ outcome: "missed", iou: 0, wd: null });
    expect(summary.average.dice).toEqual({ mean: null, std: null, count: 0 });
  });

  it("tells false positives from organs that no truth knows", async () => {
    mask("fp/a/liver.nii", cube(4));
    mask("fp/a/spleen.nii", cube(16));
    mask("fp/a/heart.nii", cube(16));
    mask("fp/b/spleen.nii", cube(15));
    mask("fp/b/kidney.nii", nothing);
    mask("total/a/segmentations/liver.nii", cube(4));
    mask("total/a/ct.nii", (x) => x);
    mask("total/b/spleen.nii", cube(15));
    mask("total/b/kidney.nii", nothing);
    const { summary, cases } = await report("--predictions", at("fp"), "--truth", at("total"));
    expect(cases[0]?.organs.spleen).toMatchObject({ outcome: "false positive", annotated: false });
    expect(summary.organs.spleen).toMatchObject({ cases: 2, falsePositives: 1, missed: 0 });
    expect(summary.organs.spleen?.metrics.dice).toEqual({ mean: 0.5, std: 0.5, count: 2 });
    expect(summary.organs.kidney).toMatchObject({ cases: 0, absent: 1 });
    expect(summary.notAnnotated).toEqual(["heart"]);
  });

  it("writes a table, files by their ending, and all of them into a folder", async () => {
    const args = ["evaluate", "--predictions", at("out"), "--truth", at("truth"), ...names];
    const { stdout, stderr } = await succeed(...args);
    expect(stdout).toMatch(
      /^\| organ +\| cases \|.*\n\| -.*\n\| liver .*\n\| spleen .*\n\| \*\*average/,
    );
    expect(stderr).toMatch(/2 cases, 2 organs/);
    for (const ending of ["json", "csv", "md"])
      await succeed(...args, "-q", "-o", at(`t.${ending}`));
    expect(JSON.parse(readFileSync(at("t.json"), "utf8"))).toMatchObject({ version: 1 });
    expect(readFileSync(at("t.csv"), "utf8").split("\n")).toHaveLength(5);
    expect(readFileSync(at("t.md"), "utf8")).toBe(stdout);
    await succeed(...args, "-q", "-o", `${at("all")}/`);
    const all = ["cases.csv", "evaluation.csv", "evaluation.json", "evaluation.md"];
    expect(readdirSync(at("all"))).toEqual(all);
    expect(readFileSync(at("all/cases.csv"), "utf8")).toMatch(/\ns2,spleen,missed,0,,0,/);
    await succeed(...args, "-q", "-o", at("t.txt"), "--format", "csv");
    expect(readFileSync(at("t.txt"), "utf8")).toBe(readFileSync(at("t.csv"), "utf8"));
  });
});
