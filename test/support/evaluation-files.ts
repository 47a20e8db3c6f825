/** Small label maps, masks and boxes for `medlsam evaluate`, in a folder that goes with the tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll } from "vitest";
import type { EvaluationSummary } from "../../lib/index.js";
import { type Fields, nifti } from "./nifti.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-evaluate-"));
afterAll(() => rmSync(folder, { recursive: true }));
export const at = (path: string) => join(folder, path);

export const row = (x: number, y: number, z: number, offset = 0) => [x, y, z, offset];
/** 2 × 2 × 3 mm. */
export const sform = [row(2, 0, 0), row(0, 2, 0), row(0, 0, 3)];
type Value = NonNullable<Fields["value"]>;

/** A cube of edge 8 whose first voxel is (x0, 5, 5). */
export const cube =
  (x0: number, label = 1): Value =>
  (x, y, z) =>
    x >= x0 && x < x0 + 8 && y >= 5 && y < 13 && z >= 5 && z < 13 ? label : 0;
export const both =
  (a: Value, b: Value): Value =>
  (x, y, z) =>
    a(x, y, z) || b(x, y, z);
export const nothing: Value = () => 0;

export function file(path: string, content: string | Buffer): string {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  return at(path);
}

export function mask(path: string, value: Value, fields: Fields = {}): string {
  const bytes = nifti({ dim: [3, 30, 20, 20], datatype: 2, sform, value, ...fields });
  return file(path, path.endsWith(".gz") ? gzipSync(bytes) : bytes);
}

interface Predicted {
  label: number;
  present?: boolean;
  x0: number;
}

/** What localize writes for cubes at x0. */
export function boxes(
  path: string,
  organs: Record<string, Predicted>,
  shape = [20, 20, 30],
): string {
  const described = Object.entries(organs).map(([name, { label, present = true, x0 }]) => {
    const box = { min: [5, 5, x0], max: [12, 12, x0 + 7] };
    const physicalBox = {
      min: [-2 * (x0 + 7.5), -2 * 12.5, 3 * 4.5],
      max: [-2 * (x0 - 0.5), -2 * 4.5, 3 * 12.5],
    };
    return [name, { label, present, score: 0.5, margin: 0, box, parts: [box], physicalBox }];
  });
  const found = { version: 1, image: "", shape, organs: Object.fromEntries(described) };
  return file(path, JSON.stringify(found));
}

/**
 * Two cases as segment writes them, in `out`, and their label maps in `truth`: s1 has boxes.json, s2 misses the spleen.
 * Gives the option that names the labels.
 */
export function twoCases(): string[] {
  mask("out/s1/liver.nii.gz", cube(4));
  mask("out/s1/spleen.nii.gz", cube(16));
  boxes("out/s1/boxes.json", { liver: { label: 1, x0: 5 }, spleen: { label: 2, x0: 16 } });
  mask("out/s2/liver.nii.gz", cube(2));
  mask("out/s2/spleen.nii.gz", nothing);
  mask("truth/s1_label.nii.gz", both(cube(4), cube(15, 2)));
  mask("truth/s2_label.nii.gz", both(cube(4), cube(15, 2)));
  return ["--names", file("names.json", '{"liver": 1, "spleen": 2, "kidney": 3}')];
}

/** The JSON that evaluate writes. */
export interface Report {
  summary: EvaluationSummary;
  cases: { case: string; organs: Record<string, Record<string, unknown>> }[];
  failed: { case: string; message: string }[];
  unmatched: { predictions: string[]; truths: string[] };
}
