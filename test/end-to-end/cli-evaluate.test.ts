import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { type EvaluationSummary, labelTableXml, Volume } from "../../lib/index.js";
import { expectRefusal, run, start, succeed } from "./command.js";
import { type Fields, nifti } from "./nifti.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-evaluate-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (path: string) => join(folder, path);

const row = (x: number, y: number, z: number, offset = 0) => [x, y, z, offset];
/** 2 × 2 × 3 mm. */
const sform = [row(2, 0, 0), row(0, 2, 0), row(0, 0, 3)];
type Value = NonNullable<Fields["value"]>;

/** A cube of edge 8 whose first voxel is (x0, 5, 5). */
const cube =
  (x0: number, label = 1): Value =>
  (x, y, z) =>
    x >= x0 && x < x0 + 8 && y >= 5 && y < 13 && z >= 5 && z < 13 ? label : 0;
const both =
  (a: Value, b: Value): Value =>
  (x, y, z) =>
    a(x, y, z) || b(x, y, z);
const nothing: Value = () => 0;

function file(path: string, content: string | Buffer): string {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  return at(path);
}

function mask(path: string, value: Value, fields: Fields = {}): string {
  const bytes = nifti({ dim: [3, 30, 20, 20], datatype: 2, sform, value, ...fields });
  return file(path, path.endsWith(".gz") ? gzipSync(bytes) : bytes);
}

interface Predicted {
  label: number;
  present?: boolean;
  x0: number;
}

/** What localize writes for cubes at x0. */
function boxes(path: string, organs: Record<string, Predicted>, shape = [20, 20, 30]): string {
  const described = Object.entries(organs).map(([name, { label, present = true, x0 }]) => {
    const box = { min: [5, 5, x0], max: [12, 12, x0 + 7] };
    const physicalBox = {
      min: [-2 * (x0 + 7.5), -2 * 12.5, 3 * 4.5],
      max: [-2 * (x0 - 0.5), -2 * 4.5, 3 * 12.5],
    };
    return [name, { label, present, score: 0.5, box, parts: [box], physicalBox }];
  });
  const found = { version: 1, image: "", shape, organs: Object.fromEntries(described) };
  return file(path, JSON.stringify(found));
}

interface Report {
  summary: EvaluationSummary;
  cases: { case: string; organs: Record<string, Record<string, unknown>> }[];
  failed: { case: string; message: string }[];
  unmatched: { predictions: string[]; truths: string[] };
}

async function report(...args: string[]): Promise<Report> {
  return JSON.parse((await succeed("evaluate", "-q", "--format", "json", ...args)).stdout);
}

// Two cases as segment writes them: in s2 the spleen is missed and the kidney, which is there, predicted elsewhere.
mask("out/s1/liver.nii.gz", cube(4));
mask("out/s1/spleen.nii.gz", cube(16));
boxes("out/s1/boxes.json", { liver: { label: 1, x0: 5 }, spleen: { label: 2, x0: 16 } });
mask("out/s2/liver.nii.gz", cube(2));
mask("out/s2/spleen.nii.gz", nothing);
mask("truth/s1_label.nii.gz", both(cube(4), cube(15, 2)));
mask("truth/s2_label.nii.gz", both(cube(4), cube(15, 2)));
const names = ["--names", file("names.json", '{"liver": 1, "spleen": 2, "kidney": 3}')];

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

describe("bad input to evaluate", () => {
  const evaluate = (prediction: string, truth: string, ...more: string[]) =>
    run("evaluate", "-q", "--predictions", prediction, "--truth", truth, ...more);
  const truth = at("truth/s1_label.nii.gz");

  it("another geometry", async () => {
    const shape = mask("bad/shape.nii", cube(4), { dim: [3, 30, 20, 19] });
    expectRefusal(await evaluate(shape, truth), 3, "shape.nii", "[19,20,30]", "[20,20,30]", truth);
    const moved = [...sform.slice(0, 2), row(0, 0, 3, 1)];
    const affine = mask("bad/moved.nii", cube(4), { sform: moved });
    expectRefusal(await evaluate(affine, truth), 3, "moved.nii", "affine", truth);
    const rounded = [row(2.000001, 0, 0), ...sform.slice(1)];
    expect((await evaluate(mask("bad/round.nii", cube(4), { sform: rounded }), truth)).code).toBe(
      0,
    );
    mask("bad/masks/liver.nii", cube(4), { sform: moved });
    boxes("bad/masks/boxes.json", {});
    expectRefusal(
      await evaluate(at("bad/masks"), truth, ...names),
      3,
      "liver.nii",
      "affine",
      truth,
    );
    const flat = boxes("bad/shape.json", { liver: { label: 1, x0: 4 } }, [20, 20, 31]);
    expectRefusal(await evaluate(flat, truth), 3, "shape.json", "[20,20,31]", truth);
    const elsewhere = mask("bad/elsewhere.nii", cube(4), { sform: moved });
    const there = boxes("bad/there.json", { liver: { label: 1, x0: 4 } });
    expectRefusal(await evaluate(there, elsewhere), 3, "there.json", "box of liver", elsewhere);
  });

  it("masks that are not 0/1, images, two labels of one name", async () => {
    mask("values/liver.nii", both(cube(4, 2), cube(16, 255)));
    boxes("values/boxes.json", {});
    expectRefusal(await evaluate(at("values"), truth, ...names), 3, "liver.nii", "holds 2, 255");
    const image = file("image.nii", nifti({ dim: [3, 30, 20, 20], sform, value: () => -1000 }));
    expectRefusal(await evaluate(image, truth), 3, "image.nii", "-1000", "Is this the image?");
    const same = ["--names", file("same.json", '{"1": "liver", "2": "liver"}')];
    expectRefusal(await evaluate(truth, truth, ...same), 3, "labels 1 and 2", '"liver"');
  });

  it("boxes that are none, boxes for a truth, files that are missing", async () => {
    const other = file("other.json", '{"version": 1}');
    expectRefusal(await evaluate(other, truth), 3, "other.json", "shape");
    const upside = JSON.parse(
      readFileSync(boxes("up.json", { liver: { label: 1, x0: 4 } }), "utf8"),
    );
    upside.organs.liver.box.min[0] = 30;
    const down = file("down.json", JSON.stringify(upside));
    expectRefusal(await evaluate(down, truth), 3, "at organs.liver.box", "upside down");
    expectRefusal(await evaluate(truth, at("up.json")), 3, "up.json", "no mask");
    expectRefusal(await evaluate(at("none.nii"), truth), 3, "none.nii", "no such file");
    expectRefusal(await evaluate(at("out"), at("gone")), 3, "gone", "no such file");
  });

  it("a case that fails is named and skipped, cases without a partner are named", async () => {
    mask("some/s1.nii", cube(4));
    mask("some/s2.nii", cube(4), { dim: [3, 30, 20, 19] });
    mask("some/s3.nii", cube(4));
    const args = ["--predictions", at("some"), "--truth", at("truth"), "-o", at("some.json")];
    const { code, stdout, stderr } = await run("evaluate", ...args);
    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/predictions without a truth, left out: s3\n/);
    expect(stderr).toMatch(/medlsam: s2: .*shape/);
    const written: Report = JSON.parse(readFileSync(at("some.json"), "utf8"));
    expect(written.cases.map((each) => each.case)).toEqual(["s1"]);
    expect(written.failed).toMatchObject([
      { case: "s2", message: expect.stringContaining("shape") },
    ]);
    expect(written.unmatched).toEqual({ predictions: ["s3"], truths: [] });
  });

  it("no case that matches, wrong usage, output that cannot be written", async () => {
    mask("apart/a.nii", cube(4));
    mask("apart/b.nii", cube(4));
    expectRefusal(await evaluate(at("apart"), at("truth")), 2, "a, b", "s1_label, s2_label");
    expectRefusal(await evaluate(truth, truth, "-o", at("report")), 2, "--format");
    expectRefusal(await evaluate(truth, truth, "-o", at("no/t.json")), 3, "folder does not exist");
    expectRefusal(await evaluate(truth, truth, "--format", "csv", "-o", truth), 2, "overwritten");
    expect((await run("evaluate", "--predictions", truth)).code).toBe(2);
    expect((await evaluate(truth, truth, "--tolerance", "-1")).code).toBe(2);
    expect(existsSync(at("report"))).toBe(false);
  });

  it("Ctrl-C ends it, nothing written", async () => {
    const many = Array.from({ length: 40 }, (_, i) => mask(`many/m${i}.nii`, cube(4)));
    const paths = ["--predictions", ...many, "--truth", at("many"), "-o", at("many.json")];
    const running = start(["evaluate", ...paths]);
    await running.says("m1: read");
    running.process.kill("SIGINT");
    expect((await running.done).code).toBe(130);
    expect(existsSync(at("many.json"))).toBe(false);
  });
});
