/** `medlsam segment --output-format`: DICOM files beside or instead of NIfTI. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placesOf, readAnnotation } from "../../lib/dicom-masks/label-maps.js";
import { annotatedLabels, annotationLabels } from "../../lib/dicom-masks/read-labels.js";
import { Volume } from "../../lib/index.js";
import { expectRefusal, run, succeed } from "../support/command.js";
import { seriesPath } from "../support/dicom-series.js";
import { count, readJson, readMask, sam, writeBoxes } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-segment-dicom-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const series = seriesPath("multiframe/enhanced.dcm");
const boxes = writeBoxes(
  at("boxes.json"),
  {
    liver: { label: 1, box: { min: [3, 20, 20], max: [6, 60, 70] } },
    kidney_left: { label: 2, box: { min: [2, 30, 30], max: [4, 50, 50] } },
    aorta: { label: 3, present: false },
  },
  [12, 84, 96],
);
const segment = (image: string, output: string, ...args: string[]) =>
  run("segment", image, "--sam", sam, "--boxes", boxes, "-o", at(output), ...args);

/** Each organ's voxels in a DICOM file. */
async function organsIn(path: string, scan: Volume): Promise<Map<string, Uint8Array>> {
  const annotation = await readAnnotation(path, {});
  const found = new Map<string, Uint8Array>();
  for (const [label, name] of annotatedLabels(annotation)) {
    const map = await annotationLabels(path, annotation, "scan", placesOf(scan), {
      only: label - 1,
    });
    found.set(name, Uint8Array.from(await map.values()));
    map.close();
  }
  return found;
}

describe("all formats at once", () => {
  let stderr: string;
  beforeAll(async () => {
    const formats = ["--output-format", "nifti,seg,labelmap-seg,rtstruct"];
    const outcome = await segment(series, "all", ...formats, "--report", at("report.json"));
    expect(outcome.code, outcome.stderr).toBe(0);
    stderr = outcome.stderr;
  });
  const out = (name: string) => at("all/enhanced", name);

  it("hold the same masks", async () => {
    const scan = await Volume.read(series);
    for (const file of ["segmentation.seg.dcm", "structures.rtstruct.dcm"]) {
      const found = await organsIn(out(file), scan);
      expect([...found.keys()]).toEqual(["liver", "kidney_left"]);
      for (const [organ, mask] of found) {
        const nifti = await readMask(out(`${organ}.nii.gz`));
        expect(count(nifti)).toBeGreaterThan(0);
        expect(Buffer.compare(mask, nifti)).toBe(0);
      }
    }
    scan.close();
  });

  it("boxes.json names the files and the organs that they cannot hold", () => {
    const { empty, files } = readJson<{ empty: string[]; files: string[] }>(out("boxes.json"));
    expect(empty).toEqual(["aorta"]);
    expect(files).toEqual(
      readdirSync(at("all/enhanced"))
        .filter((name) => name !== "boxes.json")
        .sort(),
    );
  });

  it("a warning stands on standard error and in the report, once", () => {
    expect(stderr.match(/aorta/g)?.length).toBe(1);
    const { cases } = readJson<{ cases: { warnings: { code: string }[] }[] }>(at("report.json"));
    expect(cases[0]?.warnings.map(({ code }) => code)).toEqual(["EMPTY_ORGANS"]);
  });
});

it("DICOM alone, of a NIfTI scan with the series that it was made of", async () => {
  const nifti = at("scan.nii.gz");
  const scan = await Volume.read(series);
  await scan.write(nifti);
  const args = ["--output-format", "rtstruct", "--holes", "nested", "--reference-dicom", series];
  const outcome = await segment(nifti, "nifti", ...args);
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(readdirSync(at("nifti/scan")).sort()).toEqual(["boxes.json", "structures.rtstruct.dcm"]);
  const found = await organsIn(at("nifti/scan/structures.rtstruct.dcm"), scan);
  expect([...found.keys()]).toEqual(["liver", "kidney_left"]);
  scan.close();
});

describe("what cannot be done is said before the networks run", () => {
  const nifti = at("plain.nii.gz");
  beforeAll(async () => {
    const scan = await Volume.read(series);
    await scan.write(nifti);
    scan.close();
  });

  it("a scan without a series", async () => {
    const outcome = await segment(nifti, "none", "-q", "--output-format", "seg");
    expectRefusal(outcome, 2, /--reference-dicom/);
  });

  it("a series of another geometry", async () => {
    const args = [
      "-q",
      "--output-format",
      "seg",
      "--reference-dicom",
      seriesPath("geometry/coronal"),
    ];
    expectRefusal(await segment(nifti, "none", ...args), 3, /plain\.nii\.gz/);
  });

  it("formats that there are not, and a label map that is none of them", async () => {
    const unknown = await segment(nifti, "none", "--output-format", "dicom");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("labelmap-seg");
    expectRefusal(await segment(nifti, "none", "-q", "--ml", "--output-format", "seg"), 2, "--ml");
  });
});

it("codes of a file go into the segmentation", async () => {
  const codes = at("codes.json");
  const type = { value: "12345", scheme: "99TEST", meaning: "Test organ" };
  writeFileSync(codes, JSON.stringify({ organs: { liver: { type } } }));
  const args = ["-q", "--output-format", "seg", "--codes", codes];
  await succeed("segment", series, "--sam", sam, "--boxes", boxes, "-o", at("codes"), ...args);
  const bytes = readFileSync(at("codes/enhanced/segmentation.seg.dcm")).toString("latin1");
  expect(bytes).toContain("99TEST");
  expect(bytes).toContain("64033007");
});
