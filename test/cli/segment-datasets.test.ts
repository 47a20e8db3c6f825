import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Volume } from "../../lib/index.js";
import { data, run, scan, start, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-datasets-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...path: string[]) => join(folder, ...path);
const names = Array.from({ length: 12 }, (_, i) => `scan${String(i).padStart(2, "0")}`);
const sam = data("sam/sam_tiny.pth");

beforeAll(async () => {
  for (const path of ["scans", "boxes"]) mkdirSync(at(path));
  const { shape } = await Volume.read(scan);
  const box = { min: [0, 30, 40], max: [109, 60, 80] };
  const organs = { liver: { label: 1, box }, spleen: { label: 2, box } };
  for (const name of names) {
    symlinkSync(scan, at("scans", `${name}.nii.gz`));
    writeFileSync(at("boxes", `${name}.json`), JSON.stringify({ version: 1, shape, organs }));
  }
  copyFileSync(data("ct/q_label.nii.gz"), at("scans", "scan00_label.nii.gz"));
});

const boxes = ["--boxes", at("boxes"), "--sam", sam];
const done = (output: string) =>
  existsSync(output)
    ? readdirSync(output)
        .filter((name) => existsSync(join(output, name, "boxes.json")))
        .sort()
    : [];

describe("a folder", () => {
  it("is worked through but for label maps; one scan that fails is told and skipped", async () => {
    mkdirSync(at("some"));
    for (const name of names.slice(0, 3)) symlinkSync(scan, at("some", `${name}.nii.gz`));
    copyFileSync(data("ct/q_label.nii.gz"), at("some", "scan00_label.nii.gz"));
    writeFileSync(at("some", "scan00a.nii.gz"), "no scan");
    const out = at("out-some");
    const { code, stderr } = await run(
      "segment",
      at("some"),
      ...boxes,
      "-o",
      out,
      "-q",
      "--report",
      at("some.json"),
    );
    expect(code).toBe(4);
    expect(stderr).toMatch(/^medlsam: .*scan00a\.nii\.gz: .*not a volume of a known format.*\n$/);
    expect(readdirSync(out).sort()).toEqual(names.slice(0, 3));
    const { cases } = JSON.parse(readFileSync(at("some.json"), "utf8"));
    expect(cases.map(({ status }: { status: string }) => status)).toEqual([
      "done",
      "failed",
      "done",
      "done",
    ]);
    expect(cases[1].error).toContain("not a volume of a known format");
  });

  it("is shared between processes, by flags or by the scheduler", async () => {
    const list = at("list.txt");
    writeFileSync(
      list,
      names
        .slice(0, 4)
        .map((name) => `${at("scans", name)}.nii.gz`)
        .join("\r\n\n"),
    );
    const out = at("out-shards");
    const args = ["segment", list, ...boxes, "-o", out, "--num-parts", "3"];
    await succeed(...args, "--part-id", "0");
    expect(done(out)).toEqual([names[0], names[3]]);
    process.env.SLURM_ARRAY_TASK_ID = "11";
    process.env.SLURM_ARRAY_TASK_MIN = "10";
    try {
      await succeed(...args);
    } finally {
      delete process.env.SLURM_ARRAY_TASK_ID;
      delete process.env.SLURM_ARRAY_TASK_MIN;
    }
    expect(done(out)).toEqual([names[0], names[1], names[3]]);
    process.env.JOB_COMPLETION_INDEX = "2";
    try {
      await succeed(...args);
    } finally {
      delete process.env.JOB_COMPLETION_INDEX;
    }
    expect(done(out)).toEqual(names.slice(0, 4));
    expect((await run(...args)).stderr).toContain("--part-id");
  });

  it("of scans that share a name is refused", async () => {
    const twice = await run(
      "segment",
      at("scans"),
      at("scans", "scan01.nii.gz"),
      ...boxes,
      "-o",
      at("x"),
    );
    expect(twice).toMatchObject({ code: 2 });
    expect(twice.stderr).toContain("would both be written to scan01");
  });
});

describe("a run that is killed", () => {
  it("goes on where it was, every file whole, nothing done twice", async () => {
    const out = at("out-killed");
    const args = ["segment", at("scans"), ...boxes, "-o", out, "--preview", "--statistics"];
    const running = start(args);
    await running.says("scan04.nii.gz: segment");
    running.process.kill("SIGKILL");
    await running.done;
    const first = done(out);
    expect(first.length).toBeGreaterThan(2);
    expect(first.length).toBeLessThan(names.length);
    const times = first.map((name) => statSync(join(out, name, "boxes.json")).mtimeMs);

    const { stderr } = await succeed(...args, "--skip-existing");
    expect(stderr).toContain(`${first[0]}: boxes.json is there, passed over`);
    expect(first.map((name) => statSync(join(out, name, "boxes.json")).mtimeMs)).toEqual(times);
    expect(readdirSync(out).sort()).toEqual(names);
    const whole = readdirSync(join(out, names[0] as string)).sort();
    expect(whole).toEqual([
      "boxes.json",
      "liver.nii.gz",
      "preview.png",
      "spleen.nii.gz",
      "statistics.json",
    ]);
    for (const name of names) {
      expect(readdirSync(join(out, name)).sort()).toEqual(whole);
      for (const file of whole) {
        const [found, wanted] = [name, names[0] as string].map((each) =>
          readFileSync(join(out, each, file)),
        );
        if (file !== "boxes.json")
          expect(found?.equals(wanted as Buffer), `${name}/${file}`).toBe(true);
      }
    }
  });

  it("by Ctrl-C ends with 130 and leaves no scan half done", async () => {
    const out = at("out-interrupted");
    const running = start(["segment", at("scans"), ...boxes, "-o", out]);
    await running.says("scan02.nii.gz: segment");
    running.process.kill("SIGINT");
    const { code } = await running.done;
    expect(code).toBe(130);
    const folders = readdirSync(out).filter((name) => !name.startsWith("."));
    expect(folders.sort()).toEqual(done(out));
  });
});

describe("a folder of results", () => {
  it("is replaced file by file: what the run before wrote goes, what others put there stays", async () => {
    const out = at("out-again");
    const image = at("scans", "scan00.nii.gz");
    await succeed("segment", image, ...boxes, "-o", out, "--statistics");
    writeFileSync(join(out, "scan00", "notes.txt"), "mine");
    await succeed("segment", image, ...boxes, "-o", out, "--ml");
    expect(readdirSync(join(out, "scan00")).sort()).toEqual([
      "boxes.json",
      "notes.txt",
      "segmentation.nii.gz",
    ]);
    expect(readdirSync(out)).toEqual(["scan00"]);
  });

  it("stays as it was when the next run fails", async () => {
    const out = at("out-again");
    const before = readFileSync(join(out, "scan00", "boxes.json"));
    const wrong = at("wrong.json");
    writeFileSync(wrong, JSON.stringify({ version: 1, shape: [1, 1, 1], organs: {} }));
    const image = at("scans", "scan00.nii.gz");
    const { code } = await run("segment", image, "--boxes", wrong, "--sam", sam, "-o", out, "-q");
    expect(code).toBe(3);
    expect(readFileSync(join(out, "scan00", "boxes.json")).equals(before)).toBe(true);
  });

  it("that cannot be made is told", async () => {
    writeFileSync(at("file"), "");
    const { code, stderr } = await run(
      "segment",
      at("scans", "scan00.nii.gz"),
      ...boxes,
      "-o",
      at("file"),
      "-q",
    );
    expect(code).toBe(2);
    expect(stderr).toContain("is a file");
  });
});
