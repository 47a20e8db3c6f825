import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  buildSmall,
  expectRefusal,
  medlam,
  run,
  scan,
  start,
  supports,
} from "../support/command.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-usage-"));
afterAll(() => rmSync(folder, { recursive: true }));

const templates = await sharedTemplates("small");
const models = ["-t", templates, "--medlam", medlam];
const localize = (...args: string[]) => run("localize", ...args, ...models, "-q");

describe("output that cannot be written", () => {
  it("is found before the work, and keeps what was there", async () => {
    expectRefusal(
      await localize(scan, "-o", join(folder, "no/such/q.json")),
      3,
      "folder does not exist",
    );
    const kept = join(folder, "kept");
    writeFileSync(kept, "kept");
    expectRefusal(await localize(scan, "-o", join(kept, "q.json")), 3, "kept");
    expectRefusal(await localize(scan, "-o", scan), 2, "would be overwritten");
    expectRefusal(await run(...buildSmall(join(kept, "t"))), 3, "kept");
    expect(readFileSync(kept, "utf8")).toBe("kept");
  });

  it.runIf(existsSync("/dev/full"))("a full disk", async () => {
    expectRefusal(await localize(scan, "--scales", "none", "-o", "/dev/full"), 3, "disk is full");
    const full = start(
      ["localize", scan, ...models, "--scales", "none", "-q"],
      openSync("/dev/full", "w"),
    );
    expectRefusal(await full.done, 3, "standard output", "disk is full");
  });
});

describe("wrong usage", () => {
  it.each([
    [["localize", ...models], "missing required argument"],
    [["localize", "q.nii"], "required option '-t"],
    [["localize", "q.nii", ...models, "--scales", "3"], "0,1,2"],
    [["localize", "q.nii", ...models, "--conventions", "mine"], "exact, reference"],
    [["localize", "q.nii", ...models, "--threads", "0"], "whole number"],
    [["localize", "q.nii", ...models, "--markups"], "-o"],
    [["localize", "q.nii", ...models, "--fast"], "unknown option"],
    [["localize", "a/q.nii", "b/q.nii.gz", ...models, "-o", folder], "both be written"],
    [["localize", scan, ...models, "--roi-subset", "1,liver"], "no organ is called liver"],
    [["template", "build", "a", "-o", "t", "--medlam", "m"], "--labels or --extreme-points"],
    [
      ["template", "build", "a", "b", "--labels", "c", "-o", "t", "--medlam", "m"],
      "2 images but 1",
    ],
    [
      ["template", "build", ...supports, "-o", "t", "--medlam", "m", "--slice-interval", "3"],
      "--strategy spl",
    ],
    [["bogus"], "unknown command"],
    [[], "Usage: medlsam"],
  ])("%j", async (args, told) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(told);
  });
});
