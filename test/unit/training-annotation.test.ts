/** Training takes DICOM annotations: what is prepared is what the same label map as NIfTI gives. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { withLabelMap } from "../../lib/dicom-masks/label-maps.js";
import { prepareAnnotatedScans } from "../../lib/training/scans.js";
import { conformance } from "../support/data.js";
import { seriesPath } from "../support/dicom-series.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-annotation-"));
afterAll(() => rmSync(folder, { recursive: true }));

it.each(["seg-binary", "rtstruct-keyhole"])("%s", async (name) => {
  const [image, labels] = [
    seriesPath("syntax/explicit"),
    conformance(`dicom/reference/${name}.dcm`),
  ];
  const nifti = join(folder, `${name}.nii.gz`);
  await withLabelMap(labels, image, {}, (map) => map.write(nifti));
  const scans = [
    { image, labels },
    { image, labels: nifti },
  ];
  const [prepared = "", expected = ""] = await prepareAnnotatedScans(scans, folder);
  expect(prepared).not.toBe(expected);
  expect(readFileSync(prepared).equals(readFileSync(expected))).toBe(true);
});
