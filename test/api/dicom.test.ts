/** DICOM series from programs: lists of files, progress, sources, rectified copies. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apply } from "../../lib/geometry/affine.js";
import { Grid, listSeries, type Progress, type Triple, Volume } from "../../lib/index.js";
import { conformance } from "../support/data.js";

const series = (path: string) => conformance(`dicom/${path}`);

describe("a DICOM series", () => {
  it("is read from a list of files and folders, whatever their order", async () => {
    const folder = series("syntax/explicit");
    const files = readdirSync(folder).map((name) => join(folder, name));
    const [listed, whole] = [await Volume.read(files.reverse()), await Volume.read(folder)];
    expect(await listed.stored()).toEqual(await whole.stored());
    expect(listed.affine).toEqual(whole.affine);
    expect(listed.source?.slices).toEqual(whole.source?.slices);
    expect(await listSeries(files)).toEqual(await listSeries(folder));
    // The same images again, by another path: taken once.
    const twice = await Volume.read([folder, series("folders/duplicate-files")]);
    expect(twice.shape).toEqual(whole.shape);
    for (const volume of [listed, whole, twice]) volume.close();
  });

  it("reports progress that only grows, to the end", async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress) => void seen.push(progress);
    const volume = await Volume.read(series("syntax/jpegls"), { onProgress });
    volume.close();
    const shares = seen.map(({ done, total }) => done / total);
    expect(shares.length).toBeGreaterThan(2);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(["read"]));
  });

  it("keeps its acquired images until it is closed, and none of their private attributes", async () => {
    const volume = await Volume.read(series("geometry/two-spacings"), { resampleSlices: true });
    const { source } = volume;
    expect(volume.shape[0]).toBe(14);
    expect(source?.slices).toHaveLength(10);
    expect(source).toMatchObject({ kind: "dicom", rows: 84, columns: 96, resampled: true });
    // Every acquired slice lies in one of the volume's, at its place.
    for (const { imagePosition, z } of source?.slices ?? []) {
      const [, , height] = imagePosition.split("\\").map(Number);
      expect(apply(volume.affine, [0, 0, z])[2]).toBeCloseTo(height as number, 3);
    }
    volume.close();
    expect(volume.source).toBeUndefined();
    const own = await Volume.read(series("files/private"));
    const tags = [...(own.source?.attributes.keys() ?? [])];
    expect(tags.filter((tag) => Number.parseInt(tag.slice(0, 4), 16) % 2 === 1)).toEqual([]);
    expect(tags).not.toContain("7fe00010");
    own.close();
  });

  it("of a tilted gantry has a rectified copy, of which its grid is made", async () => {
    const tilted = await Volume.read(series("geometry/tilt"));
    const upright = await tilted.rectified();
    const column = (k: number) => [0, 4, 8].map((row) => upright.affine[row + k] as number);
    const dot = (a: number[], b: number[]) =>
      a.reduce((sum, each, i) => sum + each * (b[i] ?? 0), 0);
    expect(dot(column(1), column(2))).toBeCloseTo(0, 6);
    expect(upright.shape[0]).toBe(tilted.shape[0]);
    expect(upright.shape[1]).toBeGreaterThan(tilted.shape[1]);
    const [grid, copy] = [await Grid.make(tilted), await Grid.make(upright)];
    expect(grid.shape).toEqual(copy.shape);
    // A point of the grid is the same place in both.
    const point: Triple = [40, 60, 70];
    const place = (volume: Volume, [z, y, x]: Triple) => apply(volume.affine, [x, y, z]);
    const places = [place(tilted, grid.toStored(point)), place(upright, copy.toStored(point))];
    for (const axis of [0, 1, 2]) {
      expect(places[0]?.[axis]).toBeCloseTo(places[1]?.[axis] as number, 4);
    }
    for (const each of [grid, copy, upright, tilted]) each.close();
  });
});
