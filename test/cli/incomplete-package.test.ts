/** A package without files that are needed only at the end of a command. */
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { copyPackage, expectRefusal, scan, start } from "../support/command.js";
import { sam, small, writeBoxes } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-incomplete-"));
afterAll(() => rmSync(folder, { recursive: true }));
const command = copyPackage(join(folder, "package"));
const output = join(folder, "out");
const boxes = writeBoxes(join(folder, "boxes.json"), small);
const segment = (...args: string[]) =>
  start(
    ["segment", scan, "--sam", sam, "--boxes", boxes, "-q", "-o", output, ...args],
    "pipe",
    command,
  ).done;

describe("a package without a file of the viewer", () => {
  it.each(["style.css", "viewer.js", "niivue.js"])(
    "%s: --page names it before the networks run, and nothing is written",
    async (name) => {
      const file = join(folder, "package/lib/viewer/assets", name);
      renameSync(file, `${file}.away`);
      try {
        const outcome = await segment("--page");
        expectRefusal(outcome, 3, join("lib/viewer/assets", name), "Install medlsam again");
        expect(existsSync(join(output, "q"))).toBe(false);
      } finally {
        renameSync(`${file}.away`, file);
      }
    },
  );

  it("does everything else", async () => {
    const file = join(folder, "package/lib/viewer/assets/niivue.js");
    rmSync(file);
    expect(await segment()).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(join(output, "q/boxes.json"))).toBe(true);
  });
});
