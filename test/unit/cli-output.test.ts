import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AbortedError, InputError, OutputError, UsageError } from "../../lib/base/errors.js";
import { describeError, exitCodeOf } from "../../lib/cli/exit-codes.js";
import { checkWritable, planBoxes } from "../../lib/cli/output.js";
import { formatBytes, printable, table } from "../../lib/cli/text.js";
import { writeWhole } from "../../lib/formats/files.js";
import { formatJson } from "../../lib/formats/json.js";
import { stemOf } from "../../lib/formats/scan-names.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "medlsam-output-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("where results go", () => {
  it("takes the image's name without .nii or .nii.gz", () => {
    expect(["a/q.nii.gz", "q.nii", "q.NII.GZ", "q.v2.nii", "q.gz"].map(stemOf)).toEqual([
      "q",
      "q",
      "q",
      "q.v2",
      "q.gz",
    ]);
  });

  it("plans standard output, a file, and folders", () => {
    expect(planBoxes(["q.nii"], {})).toEqual([{ name: "q", image: "q.nii" }]);
    const out = join(folder, "out");
    expect(planBoxes(["q.nii"], { output: `${out}.json`, markups: true })).toEqual([
      { name: "q", image: "q.nii", boxes: `${out}.json` },
    ]);
    const inFolder = { name: "q", image: "q.nii", boxes: join(out, "q.json") };
    expect(planBoxes(["q.nii"], { output: `${out}/` })).toEqual([inFolder]);
    expect(planBoxes(["q.nii"], { output: out })).toEqual([inFolder]);
    const several = planBoxes(["q.nii", "r.nii.gz"], {
      output: join(folder, "new"),
      markups: true,
    });
    expect(several[1]).toEqual({
      name: "r",
      image: "r.nii.gz",
      boxes: join(folder, "new/r.json"),
    });
    expect(readdirSync(join(folder, "new"))).toEqual([]);
  });

  it("refuses what would collide or overwrite, before any work", () => {
    const file = join(folder, "file");
    writeFileSync(file, "kept");
    expect(() => planBoxes(["a/q.nii", "b/q.nii.gz"], { output: join(folder, "new") })).toThrow(
      UsageError,
    );
    expect(existsSync(join(folder, "new"))).toBe(false);
    expect(() => planBoxes(["q.nii"], { markups: true })).toThrow("-o");
    expect(() => planBoxes(["q.nii", "r.nii"], { output: file })).toThrow(UsageError);
    expect(() => planBoxes([file], { output: file })).toThrow("would be overwritten");
    symlinkSync(file, join(folder, "link"));
    expect(() => planBoxes([file], { output: join(folder, "link") })).toThrow(
      "would be overwritten",
    );
    expect(() => planBoxes(["q.nii"], { output: join(folder, "no/q.json") })).toThrow(OutputError);
    expect(() => planBoxes(["q.nii"], { output: join(file, "q.json") })).toThrow(OutputError);
    expect(() => checkWritable(folder, [])).toThrow("is a folder");
    expect(readFileSync(file, "utf8")).toBe("kept");
  });
});

describe("writeWhole", () => {
  it("replaces a file, through a link too, and leaves nothing else", () => {
    const file = join(folder, "file");
    writeFileSync(file, "old");
    symlinkSync(file, join(folder, "link"));
    writeWhole(join(folder, "link"), "new");
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(lstatSync(join(folder, "link")).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(["file", "link"]);
  });

  it("fails whole", () => {
    mkdirSync(join(folder, "taken"));
    writeFileSync(join(folder, "taken/inside"), "");
    expect(() => writeWhole(join(folder, "taken"), "text")).toThrow(OutputError);
    expect(readdirSync(folder)).toEqual(["taken"]);
  });

  it.runIf(existsSync("/dev/full"))("says that the disk is full", () => {
    expect(() => writeWhole("/dev/full", "text")).toThrow("the disk is full");
    expect(lstatSync("/dev/full").isCharacterDevice()).toBe(true);
  });
});

describe("text", () => {
  it("formats JSON that means the same", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(formatJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    const boxes = Object.fromEntries(
      [1, 2, 3].map((i) => [`organ${i}`, { min: [i, 2, 3], max: [4, 5, 6] }]),
    );
    expect(formatJson(boxes).split("\n")[1]).toBe('  "organ1": {"min":[1,2,3],"max":[4,5,6]},');
  });

  it("keeps control characters from the terminal", () => {
    expect(printable("a\u001b[2Jb\u009b\nc")).toBe("a\ufffd[2Jb\ufffd\nc");
    expect(
      table(
        ["name", "n"],
        [
          ["a\nb\u0007", "10"],
          ["c", "9"],
        ],
      ),
    ).toBe("name   n\na b\ufffd  10\nc      9");
  });

  it("formats sizes", () => {
    expect([0, 999, 1000, 3_540_000].map(formatBytes)).toEqual([
      "0 bytes",
      "999 bytes",
      "1.0 kB",
      "3.5 MB",
    ]);
  });
});

describe("errors", () => {
  it("gives each class its exit code", () => {
    const errors = [
      new Error("x"),
      new UsageError("x"),
      new InputError("BAD_VOLUME", "x"),
      new OutputError("WRITE_FAILED", "x"),
      new AbortedError(),
    ];
    expect(errors.map(exitCodeOf)).toEqual([1, 2, 3, 3, 130]);
  });

  it("tells about an image in one line that names it once", () => {
    const bad = (message: string) => new InputError("BAD_VOLUME", message);
    expect(describeError(bad("is empty.\n  Give another."), "q.nii")).toBe(
      "medlsam: q.nii: is empty. Give another.",
    );
    expect(describeError(bad("q.nii: is empty."), "q.nii")).toBe("medlsam: q.nii: is empty.");
    expect(describeError(new TypeError("oops"))).toContain("please report");
  });
});
