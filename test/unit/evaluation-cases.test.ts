import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readCaseFolder } from "../../lib/evaluation/case-files.js";
import { caseKey, findCases, matchCases } from "../../lib/evaluation/match-cases.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-cases-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (path: string) => join(folder, path);

function make(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), "");
  }
}

async function match(predictions: string[], truths: string[]) {
  const { pairs, unmatched } = matchCases(
    await findCases(predictions.map(at)),
    await findCases(truths.map(at)),
  );
  const relative = (path: string) => path.slice(folder.length + 1);
  const named = pairs.map(
    ({ name, prediction, truth }) =>
      `${name}: ${relative(prediction.path)} ${relative(truth.path)}`,
  );
  return { pairs: named, unmatched };
}

make("out/s1/liver.nii.gz", "out/s1/spleen.nii.gz", "out/s1/boxes.json");
make("out/s2/segmentation.nii.gz", "out/s2/boxes.json", "out/report.json");
make("boxes/s1.json", "boxes/s1.mrk.json", "boxes/s3.json");
make("labels/s1_label.nii.gz", "labels/s2-label.nii", "labels/s4_seg.nii.gz", "labels/s1.nii.gz");
make("total/s1/ct.nii.gz", "total/s1/segmentations/liver.nii.gz", "total/s2/liver.nii.gz");
make("maps/s1_0000.nii.gz", "maps/s2.nii.gz", "lone/other.nii.gz", "empty/notes.md");

describe("which files are of one case", () => {
  it("knows the endings of label maps and of nnU-Net's images", () => {
    const names = ["s1", "s1_label", "s1-label", "s1_seg", "s1_0000", "s1_labels"];
    expect(new Set(names.map(caseKey))).toEqual(new Set(["s1"]));
    expect(caseKey("label")).toBe("label");
  });

  it("what segment and localize write, against a folder of label maps", async () => {
    expect(await match(["out"], ["labels"])).toEqual({
      pairs: ["s1: out/s1 labels/s1_label.nii.gz", "s2: out/s2 labels/s2-label.nii"],
      unmatched: { predictions: [], truths: ["s4_seg"] },
    });
    expect(await match(["boxes"], ["labels/s1_label.nii.gz", "labels/s2-label.nii"])).toEqual({
      pairs: ["s1: boxes/s1.json labels/s1_label.nii.gz"],
      unmatched: { predictions: ["s3"], truths: ["s2-label"] },
    });
  });

  it("TotalSegmentator's dataset, whole and one case of it", async () => {
    const pairs = ["s1: out/s1 total/s1", "s2: out/s2 total/s2"];
    expect((await match(["out"], ["total"])).pairs).toEqual(pairs);
    expect((await match(["out"], ["total/s1/segmentations"])).pairs).toEqual([
      "s1: out/s1 total/s1/segmentations",
    ]);
    expect(await readCaseFolder(at("total/s1"))).toEqual({
      masks: new Map([["liver", at("total/s1/segmentations/liver.nii.gz")]]),
    });
  });

  it("a folder of label maps, or of one case's masks, as the other side has it", async () => {
    make("one/liver.nii.gz", "one/spleen.nii.gz");
    expect((await match(["maps"], ["labels"])).pairs).toHaveLength(2);
    expect((await match(["out"], ["total/s2"])).pairs).toEqual(["s2: out/s2 total/s2"]);
    expect((await match(["maps/s2.nii.gz"], ["one"])).pairs).toEqual(["s2: maps/s2.nii.gz one"]);
    expect((await match(["lone"], ["labels/s4_seg.nii.gz"])).pairs).toEqual([
      "other: lone/other.nii.gz labels/s4_seg.nii.gz",
    ]);
  });

  it("lists", async () => {
    writeFileSync(at("p.txt"), `${at("maps/s1_0000.nii.gz")}\r\n\n${at("maps/s2.nii.gz")}\n`);
    writeFileSync(
      at("t.txt"),
      ["s1_label.nii.gz", "s2-label.nii"].map((n) => at(`labels/${n}`)).join("\n"),
    );
    expect((await match(["p.txt"], ["t.txt"])).pairs).toHaveLength(2);
    await expect(match(["p.txt", "missing.txt"], ["t.txt"])).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
  });

  it("refuses what has no partner, or two", async () => {
    await expect(match(["boxes"], ["lone", "labels/s4_seg.nii.gz"])).rejects.toThrow(
      /Predictions: s1, s3\. Truths: other, s4_seg/,
    );
    make("twice/s1.nii.gz", "twice/s1.nii");
    await expect(match(["twice"], ["labels"])).rejects.toThrow(/both the prediction of case s1/);
    await expect(match(["empty"], ["labels"])).rejects.toThrow(/holds no case/);
  });

  it("refuses a folder that is two things, or nothing", async () => {
    make("both/segmentation.nii.gz", "both/liver.nii.gz", "double/a.nii", "double/a.nii.gz");
    await expect(readCaseFolder(at("both"))).rejects.toMatchObject({ code: "BAD_LABELS" });
    await expect(readCaseFolder(at("double"))).rejects.toThrow(/two files are of the organ a/);
    await expect(readCaseFolder(at("empty"))).rejects.toThrow(/holds no segmentation/);
  });
});
