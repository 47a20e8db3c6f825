/** Masks written as DICOM segmentations and structure sets come back to the voxel. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placesOf, readAnnotation } from "../../lib/dicom-masks/label-maps.js";
import { annotatedLabels, annotationLabels } from "../../lib/dicom-masks/read-labels.js";
import { type Segmentation, Volume } from "../../lib/index.js";
import { maskCases, readMasks, segmentationOf, seriesPath } from "../support/dicom-series.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-masks-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Every organ of a file as values of 0 and 1. */
async function readBack(path: string, scan: Volume): Promise<Map<string, Uint8Array>> {
  const annotation = await readAnnotation(path, {});
  const found = new Map<string, Uint8Array>();
  for (const [label, name] of annotatedLabels(annotation)) {
    const only = { only: label - 1 };
    const map = await annotationLabels(path, annotation, "the scan", placesOf(scan), only);
    found.set(name, Uint8Array.from(await map.values()));
    map.close();
  }
  return found;
}

/** By organ, how many voxels differ. */
function differences(found: Map<string, Uint8Array>, expected: Map<string, Uint8Array>) {
  expect([...found.keys()]).toEqual([...expected.keys()]);
  return [...found].map(([name, mask]) => {
    const wanted = expected.get(name) ?? [];
    return mask.length - mask.filter((inside, voxel) => inside === wanted[voxel]).length;
  });
}

/** The organs that have a voxel. */
function present(organs: Map<string, Uint8Array>): Map<string, Uint8Array> {
  return new Map([...organs].filter(([, mask]) => mask.includes(1)));
}

/** The first organ in the order of the map has a voxel that several have. */
function withoutOverlaps(organs: Map<string, Uint8Array>): Map<string, Uint8Array> {
  const taken = new Set<number>();
  return new Map(
    [...organs].map(([name, mask]) => [
      name,
      mask.map((inside, voxel) => {
        if (!inside || taken.has(voxel)) return 0;
        taken.add(voxel);
        return 1;
      }),
    ]),
  );
}

const none = [0, 0, 0, 0, 0];

describe.each(maskCases)("masks/$masks on $series", (each) => {
  let scan: Volume;
  let organs: Map<string, Uint8Array>;
  let segmentation: Segmentation;
  beforeAll(async () => {
    scan = await Volume.read(seriesPath(each.series));
    organs = await readMasks(each.masks);
    segmentation = await segmentationOf(organs, scan);
  });
  afterAll(() => {
    segmentation.close();
    scan.close();
  });

  const file = (name: string) => join(folder, `${each.series.replaceAll("/", "-")}-${name}.dcm`);
  const tilted = each.masks === "tilt" ? ["SEG_TILTED"] : [];

  it("as a BINARY segmentation, overlaps and all", async () => {
    const { written, empty, warnings } = await segmentation.writeSeg(file("binary"));
    expect({ written, empty }).toEqual({ written: true, empty: ["gallbladder"] });
    expect(warnings.map(({ code }) => code)).toEqual(["EMPTY_ORGANS", ...tilted]);
    expect(differences(await readBack(file("binary"), scan), present(organs))).toEqual(none);
  });

  it("as a LABELMAP segmentation, the more probable organ where they overlap", async () => {
    await segmentation.writeSeg(file("labelmap"), { type: "LABELMAP" });
    const expected = withoutOverlaps(present(organs));
    expect(differences(await readBack(file("labelmap"), scan), expected)).toEqual(none);
  });

  it.each(["keyholes", "nested"] as const)("as a structure set, holes as %s", async (holes) => {
    const { written, empty, warnings } = await segmentation.writeRtStruct(file(holes), { holes });
    expect({ written, empty }).toEqual({ written: true, empty: ["gallbladder"] });
    expect(warnings.map(({ code }) => code)).toEqual(["EMPTY_ORGANS"]);
    expect(differences(await readBack(file(holes), scan), present(organs))).toEqual(none);
  });
});

it("nothing is written where no organ has a voxel, and a warning says so", async () => {
  const scan = await Volume.read(seriesPath("syntax/explicit"));
  const masks = new Map([["liver", new Uint8Array(12 * 84 * 96)]]);
  const segmentation = await segmentationOf(masks, scan);
  for (const write of ["writeSeg", "writeRtStruct"] as const) {
    const result = await segmentation[write](join(folder, "none.dcm"));
    expect(result).toMatchObject({ written: false, empty: ["liver"] });
    expect(result.warnings.map(({ code }) => code)).toEqual(["EMPTY_ORGANS"]);
  }
  expect(existsSync(join(folder, "none.dcm"))).toBe(false);
  segmentation.close();
  scan.close();
});

describe("a scan of another format", () => {
  /** The base scan as other writers store it: axes swapped and reversed. */
  async function turned() {
    const scan = await Volume.read(seriesPath("syntax/explicit"));
    const values = await scan.values();
    const [z, y, x] = scan.shape;
    const { affine: a } = scan;
    scan.close();
    // Stored (x, y, z) of the new volume: z, x reversed, y reversed.
    const shape: [number, number, number] = [y, x, z];
    const source = (k: number, j: number, i: number) => (i * y + (y - 1 - k)) * x + (x - 1 - j);
    const data = new Int16Array(values.length);
    const order = new Int32Array(values.length);
    let at = 0;
    for (let k = 0; k < y; k++) {
      for (let j = 0; j < x; j++) {
        for (let i = 0; i < z; i++, at++) {
          order[at] = source(k, j, i);
          data[at] = values[source(k, j, i)] as number;
        }
      }
    }
    const affine = [0, 1, 2, 3].flatMap((row) => {
      const [ax, ay, az, origin] = [0, 1, 2, 3].map((column) => a[4 * row + column] as number) as [
        number,
        number,
        number,
        number,
      ];
      return [az, -ax, -ay, origin + (x - 1) * ax + (y - 1) * ay];
    });
    return { volume: await Volume.fromArray(data, { shape, affine }), order };
  }

  it("takes the series that it was made of, however its axes are turned", async () => {
    const { volume, order } = await turned();
    const organs = await readMasks("base");
    const moved = new Map(
      [...organs].map(([name, mask]) => [
        name,
        mask.map((_, i) => mask[order[i] as number] as number),
      ]),
    );
    const segmentation = await segmentationOf(moved, volume);
    await expect(segmentation.writeSeg(join(folder, "x.dcm"))).rejects.toThrow(/--reference-dicom/);
    const reference = seriesPath("syntax/explicit");
    const scan = await Volume.read(reference);
    await segmentation.writeSeg(join(folder, "turned.dcm"), { reference });
    expect(differences(await readBack(join(folder, "turned.dcm"), scan), present(organs))).toEqual(
      none,
    );
    await segmentation.writeRtStruct(join(folder, "turned.dcm"), { reference: scan });
    expect(differences(await readBack(join(folder, "turned.dcm"), scan), present(organs))).toEqual(
      none,
    );
    scan.close();
    await expect(
      segmentation.writeSeg(join(folder, "x.dcm"), { reference: seriesPath("geometry/coronal") }),
    ).rejects.toThrow(/GEOMETRY_MISMATCH|shape/);
    segmentation.close();
    volume.close();
  });
});

it("masks of a series with interpolated slices are written for the acquired images", async () => {
  const scan = await Volume.read(seriesPath("geometry/two-spacings"), { resampleSlices: true });
  const [z, y, x] = scan.shape;
  const organ = new Uint8Array(z * y * x);
  for (let k = 0; k < z; k++) organ[(k * y + 40) * x + 50 + k] = 1;
  const segmentation = await segmentationOf(new Map([["liver", organ]]), scan);
  await segmentation.writeSeg(join(folder, "resampled.dcm"));
  const annotation = await readAnnotation(join(folder, "resampled.dcm"), {});
  const images = scan.source?.slices ?? [];
  expect(images.length).toBeLessThan(z);
  expect(annotation.kind === "segmentation" && annotation.frames.length).toBe(images.length);
  // Each slice of the scan shows the nearest image.
  const found = (await readBack(join(folder, "resampled.dcm"), scan)).get("liver") as Uint8Array;
  for (const { z: slice } of images) {
    expect(found[(slice * y + 40) * x + 50 + slice]).toBe(1);
  }
  segmentation.close();
  scan.close();
});

it("the masks' data hold what is hard: an overlap, an organ without voxels", async () => {
  const masks = await readMasks("base");
  expect(masks.get("gallbladder")?.includes(1)).toBe(false);
  const organs = [...masks.values()];
  const overlap = organs[0]?.some(
    (_, voxel) => organs.filter((mask) => mask[voxel] === 1).length > 1,
  );
  expect(overlap).toBe(true);
});
