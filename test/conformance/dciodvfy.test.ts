/** Written files before the validator of the standard's modules (dciodvfy, of Debian's dicom3tools). */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makePhantom, phantomSeriesFiles, Volume, writePhantomSeries } from "../../lib/index.js";
import { maskCases, readMasks, segmentationOf, seriesPath } from "../support/dicom-series.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-dciodvfy-"));
afterAll(() => rmSync(folder, { recursive: true }));

const isThere = spawnSync("dciodvfy", ["-version"]).error === undefined;
if (!isThere)
  console.warn("dciodvfy is not installed (Debian: dicom3tools): DICOM files are NOT validated");

/** Lines of errors about a file. */
function errorsIn(path: string): string[] {
  const { stdout, stderr, status } = spawnSync("dciodvfy", [path], { encoding: "utf8" });
  // It names the kind of object on its standard error, whatever it finds.
  expect(stderr.length, `status ${status}`).toBeGreaterThan(0);
  return `${stdout}${stderr}`.split("\n").filter((line) => line.startsWith("Error"));
}

describe.runIf(isThere)("dciodvfy finds no error in", () => {
  it.each(maskCases)("masks/$masks of $series", async (each) => {
    const scan = await Volume.read(seriesPath(each.series));
    const segmentation = await segmentationOf(await readMasks(each.masks), scan);
    const [seg, structures] = [join(folder, "seg.dcm"), join(folder, "rtstruct.dcm")];
    await segmentation.writeSeg(seg);
    await segmentation.writeRtStruct(structures);
    expect(errorsIn(seg)).toEqual([]);
    expect(errorsIn(structures)).toEqual([]);
    segmentation.close();
    scan.close();
  });

  it("a phantom's series and its truth", async () => {
    const phantom = await makePhantom({ seed: 5, spacing: 10, region: "head" });
    const files = phantomSeriesFiles(folder, 5);
    await writePhantomSeries(phantom, files, { seed: 5 });
    const images = readdirSync(files.series).map((name) => join(files.series, name));
    for (const path of [
      images[0] as string,
      images.at(-1) as string,
      files.segmentation,
      files.structures,
    ]) {
      expect([path, errorsIn(path)]).toEqual([path, []]);
    }
  });
});
