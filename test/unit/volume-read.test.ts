/** What is read of scans that are not quite right, and how others are refused. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Grid, InputError, UsageError, Volume } from "../../lib/index.js";
import { type Fields, nifti } from "../support/nifti.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-volume-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function scan(name: string, fields: Fields): string {
  const path = join(folder, name);
  writeFileSync(path, nifti(fields));
  return path;
}

const upright = [
  [-6, 0, 0, 0],
  [0, 6, 0, 0],
  [0, 0, 6, 0],
];

describe("a scan with NaN", () => {
  const bordered = (x: number, y: number, z: number) => {
    if (x < 2) return Number.NaN;
    return Math.hypot(x - 20, y - 20, z - 20) < 15 ? 500 + x : -1000;
  };
  const path = scan("nan.nii", { datatype: 16, sform: upright, value: bordered });

  it("cannot be localized, and the message names the way out", async () => {
    const volume = await Volume.read(path);
    const run = Grid.make(volume);
    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(/NaN or infinite values.* --nan -1000/);
    volume.close();
  });

  it("is read with the value that is given for it", async () => {
    const volume = await Volume.read(path, { nan: -1000 });
    const values = await volume.values();
    expect(values[0]).toBe(-1000);
    expect(values.some(Number.isNaN)).toBe(false);
    (await Grid.make(volume)).close();
    volume.close();
    const wrong = Volume.read(path, { nan: Number.NaN });
    await expect(wrong).rejects.toThrow(UsageError);
    await expect(wrong).rejects.toThrow(/nan must be a finite number/);
  });
});

describe("geometry", () => {
  it("of the sform counts, whatever pixdim says", async () => {
    const volume = await Volume.read(scan("pixdim.nii", { spacing: [-6, 0, 6], sform: upright }));
    expect(volume.spacing).toEqual([6, 6, 6]);
    expect(volume.warnings).toEqual([]);
    volume.close();
  });

  it("that is missing or sheared comes with a warning", async () => {
    const none = await Volume.read(scan("none.nii", {}));
    expect(none.warnings).toEqual([expect.stringContaining("no orientation")]);
    expect(none.axes).toBe("LAS");
    const tilted = upright.map((row, i) => (i === 1 ? [0, 6, 2, 0] : row));
    const sheared = await Volume.read(scan("tilt.nii", { sform: tilted }));
    expect(sheared.warnings).toEqual([expect.stringContaining("sheared by 18.4 degrees")]);
    expect(sheared.affine.slice(4, 8)).toEqual([0, 6, 2, 0]);
    for (const volume of [none, sheared]) volume.close();
  });
});
