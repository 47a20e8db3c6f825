/**
 * Segmentations as dcmqi reads them, and so 3D Slicer: to the voxel. It runs where MEDLSAM_ITK_WASM names a folder with
 * node_modules/@itk-wasm/dicom (`npm install --prefix FOLDER @itk-wasm/dicom`), which is no dependency of the package.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { apply, invert } from "../../lib/geometry/affine.js";
import { Volume } from "../../lib/index.js";
import { maskCases, readMasks, segmentationOf, seriesPath } from "../support/dicom-series.js";

const modules = process.env.MEDLSAM_ITK_WASM;
const script = fileURLToPath(new URL("../support/dcmqi-seg.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "medlsam-dcmqi-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Read {
  size: [number, number, number];
  corners: [number, number, number][];
  segments: [name: string, voxels: number[]][];
}

function readWithDcmqi(path: string): Read {
  const args = [script, modules as string, path];
  const output = execFileSync(process.execPath, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  return JSON.parse(output.trim().split("\n").at(-1) as string);
}

/** The voxels of a scan that dcmqi's are; its grid begins and ends with the slices that have any. */
function inScan({ size, corners, segments }: Read, scan: Volume): Map<string, Uint8Array> {
  const toVoxel = invert(scan.affine);
  const indices = corners.map(([x, y, z]) => apply(toVoxel, [-x, -y, z]));
  const [first = [0, 0, 0]] = indices;
  for (const [axis, next] of indices.slice(1).entries()) {
    next.forEach((each, i) => {
      expect(each - (first[i] as number)).toBeCloseTo(i === axis ? 1 : 0, 3);
    });
  }
  const [x0, y0, z0] = first.map(Math.round) as [number, number, number];
  expect(Math.max(...first.map((each) => Math.abs(each - Math.round(each))))).toBeLessThan(1e-2);
  const [depth, height, width] = scan.shape;
  return new Map(
    segments.map(([name, voxels]) => {
      const mask = new Uint8Array(depth * height * width);
      for (const voxel of voxels) {
        const [x, y] = [voxel % size[0], Math.floor(voxel / size[0]) % size[1]];
        const z = Math.floor(voxel / (size[0] * size[1]));
        mask[((z + z0) * height + y + y0) * width + x + x0] = 1;
      }
      return [name, mask];
    }),
  );
}

describe.skipIf(!modules)("dcmqi", () => {
  it.each(maskCases.filter(({ masks }) => masks !== "tilt"))("$masks on $series", async (each) => {
    const scan = await Volume.read(seriesPath(each.series));
    const organs = await readMasks(each.masks);
    const segmentation = await segmentationOf(organs, scan);
    const path = join(folder, "segmentation.dcm");
    await segmentation.writeSeg(path);
    const found = inScan(readWithDcmqi(path), scan);
    const present = [...organs].filter(([, mask]) => mask.includes(1));
    expect([...found.keys()].sort()).toEqual(present.map(([name]) => name).sort());
    for (const [name, mask] of present) {
      expect(Buffer.compare(found.get(name) as Uint8Array, mask), name).toBe(0);
    }
    segmentation.close();
    scan.close();
  });
});
