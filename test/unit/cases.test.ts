import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { chooseShard } from "../../lib/cli/shard.js";
import { casesOf, casesOfShard, listImages } from "../../lib/pipeline/cases.js";
import { run } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-list-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("lists of scans", () => {
  it("give one path a line, from the current folder", async () => {
    const scan = write("scan one.nii", "");
    const list = write("list.txt", `# scans\r\n\r\n  ${scan}  \nhere.nii\n`);
    expect(await listImages([list, scan])).toEqual([scan, "here.nii", scan]);
  });

  it("without a scan, and that are not there, are refused", async () => {
    const empty = listImages([write("empty.txt", "# none\n")]);
    await expect(empty).rejects.toThrow(/empty\.txt: the list is empty/);
    await expect(listImages([join(folder, "no.txt")])).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
  });
});

describe("folders of scans", () => {
  it("are their images by name, without the label maps beside them", async () => {
    const inner = join(folder, "scans");
    mkdirSync(inner);
    const names = [
      "b.nii.gz",
      "b_label.nii.gz",
      "a.nii",
      "a-seg.nii",
      "c_label.nii.gz",
      "d.nrrd",
      "d.seg.nrrd",
      "e.mhd",
      "e.raw",
      "f.hdr",
      "f.img",
      "notes.txt",
    ];
    for (const name of names) writeFileSync(join(inner, name), "");
    const found = ["a.nii", "b.nii.gz", "c_label.nii.gz", "d.nrrd", "e.mhd", "f.hdr"].map((name) =>
      join(inner, name),
    );
    expect(await listImages([inner])).toEqual(found);
  });
});

describe("shards", () => {
  const cases = casesOf(["a.nii", "b.nii", "c.nii", "d.nii", "e.nii"]);
  const names = (numParts: number, partId: number) =>
    casesOfShard(cases, { index: partId, count: numParts }).map(({ name }) => name);

  it("are disjoint and together all", () => {
    expect([0, 1].map((part) => names(2, part))).toEqual([
      ["a", "c", "e"],
      ["b", "d"],
    ]);
    expect(names(9, 8)).toEqual([]);
  });

  it("come from flags, SLURM or Kubernetes, in this order", () => {
    const slurm = { SLURM_ARRAY_TASK_ID: "7", SLURM_ARRAY_TASK_MIN: "5" };
    const job = { JOB_COMPLETION_INDEX: "1" };
    expect(chooseShard({ numParts: 4, partId: 0 }, { ...slurm, ...job })?.index).toBe(0);
    expect(chooseShard({ numParts: 4 }, { ...slurm, ...job })?.index).toBe(2);
    expect(chooseShard({ numParts: 4 }, job)?.index).toBe(1);
    expect(chooseShard({}, job)).toBeUndefined();
  });

  it("that cannot be are refused", () => {
    expect(() => chooseShard({ partId: 0 }, {})).toThrow(/--num-parts/);
    expect(() => chooseShard({ numParts: 2 }, {})).toThrow(/--part-id/);
    expect(() => chooseShard({ numParts: 2, partId: 2 }, {})).toThrow(/counted from 0 to 1/);
    expect(() => chooseShard({ numParts: 2 }, { SLURM_ARRAY_TASK_ID: "x" })).toThrow(/is "x"/);
    expect(() => casesOf(["..nii.gz"])).toThrow(/cannot be used as a folder name/);
    expect(() => casesOf(["a/x.nii", "b/x.nii.gz"])).toThrow(/both be written to x/);
  });
});

describe("medlsam train medlam", () => {
  it("says what to build where the plugin is missing", async () => {
    const list = write("one.txt", "nowhere.nii.gz\n");
    process.env.MEDLSAM_TORCH = join(folder, "none.so");
    try {
      const outcome = await run("train", "medlam", list, "-o", join(folder, "out"));
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toContain("npm run build:torch");
    } finally {
      delete process.env.MEDLSAM_TORCH;
    }
  });

  it("takes scans as every command does, and asks for them", async () => {
    const none = await run("train", "medlam", "-o", join(folder, "out"));
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("Give the scans") });
    const former = ["--images", "list.txt", "-o", join(folder, "out")];
    const { stderr } = await run("train", "medlam", ...former, "--precision", "float16");
    expect(stderr).toContain("Allowed choices are float32, bfloat16");
  });

  it("refuses a precision it cannot train in", async () => {
    const list = ["list.txt", "-o", join(folder, "out")];
    const { code, stderr } = await run("train", "medlam", ...list, "--precision", "float16");
    expect(code).toBe(2);
    expect(stderr).toContain("Allowed choices are float32, bfloat16");
  });
});
