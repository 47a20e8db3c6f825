import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, readScanList } from "../../lib/index.js";
import { expectRefusal, run } from "../end-to-end/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-list-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("lists of scans", () => {
  it("gives one path a line, relative ones from the list's folder", async () => {
    const scan = write("scan one.nii", "");
    const list = write("list.txt", `# scans\r\n\r\n  scan one.nii  \n${scan}\n`);
    expect(await readScanList(list)).toEqual([scan, scan]);
  });

  it("names the line of a scan that is not there", async () => {
    const list = write("missing.txt", "\nnowhere.nii.gz\n");
    await expect(readScanList(list)).rejects.toThrow(InputError);
    await expect(readScanList(list)).rejects.toThrow(/missing\.txt, line 2: .*nowhere\.nii\.gz/);
  });

  it("refuses a list without scans, and no list", async () => {
    await expect(readScanList(write("empty.txt", "# none\n"))).rejects.toThrow(/no path in it/);
    await expect(readScanList(join(folder, "no.txt"))).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
  });
});

describe("medlsam train medlam", () => {
  it("says which scan of the list is missing", async () => {
    const list = write("bad.txt", "nowhere.nii.gz\n");
    const outcome = await run("train", "medlam", "--images", list, "-o", join(folder, "out"));
    expectRefusal(outcome, 3, "bad.txt, line 1", "nowhere.nii.gz");
  });

  it("refuses a precision it cannot train in", async () => {
    const list = ["--images", "list.txt", "-o", join(folder, "out")];
    const { code, stderr } = await run("train", "medlam", ...list, "--precision", "float16");
    expect(code).toBe(2);
    expect(stderr).toContain("Allowed choices are float32, bfloat16");
  });
});
