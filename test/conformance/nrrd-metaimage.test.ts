/** A CT as NRRD and MetaImage in the ways that ITK and 3D Slicer write them, held against what independent readers found. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Volume } from "../../lib/index.js";
import { conformance, largestDifference } from "../support/data.js";

interface Expected {
  shape: number[];
  spacing: number[];
  affine: number[];
  sha256: string;
}

const root = conformance("dicom");
const { volumes, cases } = JSON.parse(readFileSync(join(root, "expected.json"), "utf8")) as {
  volumes: Record<string, Expected>;
  cases: Record<string, { volume?: string; geometryTolerance?: number }>;
};
const files = Object.entries(cases).filter(([name]) => name.startsWith("itk/"));

describe("NRRD and MetaImage", () => {
  it.each(files)("%s", async (name, { volume: answer = "", geometryTolerance = 1e-4 }) => {
    const expected = volumes[answer] as Expected;
    const volume = await Volume.read(join(root, name));
    expect(volume.shape).toEqual(expected.shape);
    expect(largestDifference(volume.affine, expected.affine)).toBeLessThanOrEqual(
      geometryTolerance,
    );
    expect(largestDifference(volume.spacing, expected.spacing)).toBeLessThanOrEqual(
      geometryTolerance,
    );
    const values = new Uint8Array((await volume.values()).buffer);
    expect(createHash("sha256").update(values).digest("hex")).toBe(expected.sha256);
    expect(volume.warnings.length).toBe(name.includes("sheared") ? 1 : 0);
    volume.close();
  });

  it("are all there", () => expect(files.length).toBe(8));
});
