/** Every case of the DICOM conformance data: its volume, or its refusal. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { apply } from "../../lib/geometry/affine.js";
import { type MedLsamError, type ReadOptions, Volume } from "../../lib/index.js";
import { conformance, largestDifference } from "../support/data.js";

interface Expected {
  file?: string;
  shape: number[];
  spacing: number[];
  affine: number[];
  min: number;
  max: number;
  sha256: string;
}

interface Case {
  volume?: string;
  tolerance?: number;
  affineTolerance?: number;
  geometryTolerance?: number;
  warning?: string;
  optional?: boolean;
  error?: string;
  names?: string[];
  alternative?: string;
  allowNotHu?: boolean;
}

const root = conformance("dicom");
const { volumes, cases } = JSON.parse(readFileSync(join(root, "expected.json"), "utf8")) as {
  volumes: Record<string, Expected>;
  cases: Record<string, Case>;
};

/** The path and options that a case's name stands for. */
function parse(name: string): { path: string; options: ReadOptions } {
  const [path = "", ...flags] = name.split(" --");
  const options: ReadOptions = {};
  for (const flag of flags) {
    if (flag === "resample-slices") options.resampleSlices = true;
    if (flag.startsWith("series ")) options.series = flag.slice(7);
  }
  return { path: join(root, path), options };
}

async function expectVolume(name: string, expected: Expected, each: Case): Promise<void> {
  const { path, options } = parse(name);
  if (each.allowNotHu) {
    await expect(Volume.read(path)).rejects.toMatchObject({ code: "NOT_HU" });
    options.modality = "any";
  }
  const volume = await Volume.read(path, options);
  const tolerance = each.affineTolerance ?? each.geometryTolerance ?? 1e-4;
  expect(volume.shape).toEqual(expected.shape);
  expect(largestDifference(volume.affine, expected.affine)).toBeLessThanOrEqual(tolerance);
  expect(largestDifference(volume.spacing, expected.spacing)).toBeLessThanOrEqual(tolerance);
  const values = await volume.values();
  if (each.tolerance === undefined || each.tolerance === 0) {
    expect(createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")).toBe(
      expected.sha256,
    );
  } else {
    const answer = await Volume.read(join(root, expected.file as string));
    expect(largestDifference(values, await answer.values())).toBeLessThanOrEqual(each.tolerance);
    answer.close();
  }
  if (each.warning !== undefined) {
    expect(volume.scanWarnings.map(({ message }) => message).join(" ")).toContain(each.warning);
  }
  const places = volume.source?.slices.map(({ imagePosition, z }) => {
    const [x = 0, y = 0, w = 0] = imagePosition.split("\\").map(Number);
    const [right, anterior, superior] = apply(volume.affine, [0, 0, z]);
    return Math.max(Math.abs(right + x), Math.abs(anterior + y), Math.abs(superior - w));
  });
  // An acquired slice that no resampled one meets lies beside it.
  const most = options.resampleSlices ? 2.6 : name.includes("rounded") ? 0.01 : 1e-3;
  expect(Math.max(...(places ?? []))).toBeLessThanOrEqual(most);
  volume.close();
  expect(volume.source).toBeUndefined();
}

async function expectRefusal(name: string, each: Case): Promise<void> {
  const { path, options } = parse(name);
  const error = (await Volume.read(path, options).then(
    () => undefined,
    (reason) => reason,
  )) as MedLsamError | undefined;
  expect(error).toMatchObject({ code: each.error });
  if (each.alternative !== undefined) return;
  for (const text of each.names ?? []) expect(error?.message).toContain(text);
}

describe("DICOM conformance data", () => {
  for (const [name, each] of Object.entries(cases)) {
    if (name.startsWith("itk/")) continue;
    const expected = each.volume === undefined ? undefined : volumes[each.volume];
    if (expected && each.optional) {
      it(`${name} is refused, naming its transfer syntax`, async () => {
        await expect(Volume.read(parse(name).path)).rejects.toThrow(/1\.2\.840.*JPEG.*gdcmconv/);
      });
    } else if (expected) {
      it(name, () => expectVolume(name, expected, each));
    } else {
      it(`${name} is refused`, () => expectRefusal(name, each));
    }
  }
});
