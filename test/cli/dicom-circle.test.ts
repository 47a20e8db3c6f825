/** The circle without patients: phantoms as DICOM, templates of their contours, masks as DICOM, their evaluation. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type EvaluationSummary, Volume } from "../../lib/index.js";
import { medlam, succeed } from "../support/command.js";
import { readJson, sam } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-circle-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const made = ["--spacing", "8", "--region", "abdomen", "-q"];

beforeAll(() =>
  succeed("phantom", "--seed", "3", "--count", "2", "--dicom", ...made, "-o", folder),
);

it("the series has the voxels of the phantom's NIfTI", async () => {
  await succeed("phantom", "--seed", "3", ...made, "-o", at("nifti"));
  const [series, nifti] = [
    await Volume.read(at("phantom-3")),
    await Volume.read(at("nifti/phantom-3.nii.gz")),
  ];
  // A series' slices follow their normal, so the third axis may run the other way.
  expect(series.shape).toEqual(nifti.shape);
  const [values, expected] = [await series.values(), await nifti.values()];
  const size = series.shape[1] * series.shape[2];
  const slice = (of: Float32Array, k: number) =>
    Buffer.from(of.slice(k * size, (k + 1) * size).buffer);
  const reversed = series.axes !== nifti.axes;
  const last = series.shape[0] - 1;
  for (let k = 0; k <= last; k++) {
    expect(slice(values, k).equals(slice(expected, reversed ? last - k : k))).toBe(true);
  }
  for (const volume of [series, nifti]) volume.close();
});

it("the segmentation and the structure set of the truth are the same masks", async () => {
  const sides = ["--predictions", at("phantom-3_seg.dcm"), "--truth", at("phantom-3_rtstruct.dcm")];
  await succeed("evaluate", ...sides, "--images", at("phantom-3"), "-q", "-o", at("same.json"));
  const { summary } = readJson<{ summary: EvaluationSummary }>(at("same.json"));
  const scores = Object.values(summary.organs).map(({ metrics }) => metrics.dice.mean);
  expect(scores.length).toBeGreaterThan(8);
  expect(scores.every((dice) => dice === 1)).toBe(true);
});

it("templates of one's contours find the organs of the other, whose masks are evaluated against its truth", async () => {
  const labels = ["--labels", at("phantom-3_rtstruct.dcm"), "--classes", "1,2"];
  const templates = at("organs.safetensors");
  await succeed(
    "template",
    "build",
    at("phantom-3"),
    ...labels,
    "--medlam",
    medlam,
    "-q",
    "-o",
    templates,
  );
  const models = ["-t", templates, "--medlam", medlam, "--sam", sam, "--min-score", "-1"];
  const formats = ["--output-format", "seg,rtstruct", "-q", "-o", at("results")];
  await succeed("segment", at("phantom-4"), ...models, ...formats, "--scales", "0");
  const sides = ["--predictions", at("results/phantom-4"), "--truth", at("phantom-4_seg.dcm")];
  await succeed("evaluate", ...sides, "--images", at("phantom-4"), "-q", "-o", at("scores.json"));
  const { cases } = readJson<{
    cases: { case: string; organs: Record<string, object> }[];
  }>(at("scores.json"));
  expect(cases.map((each) => each.case)).toEqual(["phantom-4"]);
  const given = await succeed("template", "inspect", templates, "--json");
  const organs = (JSON.parse(given.stdout) as { organs: { name: string }[] }).organs.map(
    ({ name }) => name,
  );
  expect(organs.length).toBe(2);
  expect(Object.keys(cases[0]?.organs ?? {})).toEqual(expect.arrayContaining(organs));
});
