/** Masks written as DICOM segmentations and structure sets come back to the voxel. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAnnotation } from "../../lib/dicom/annotations/parse.js";
import type { MaskSet } from "../../lib/dicom-masks/mask-set.js";
import { ownPlacement } from "../../lib/dicom-masks/placement.js";
import { annotatedLabels, annotationLabels } from "../../lib/dicom-masks/read-labels.js";
import { writeRtStructFile } from "../../lib/dicom-masks/write-rtstruct.js";
import { writeSegFile } from "../../lib/dicom-masks/write-seg.js";
import type { Volume } from "../../lib/index.js";
import { maskCases, openCase, readMasks } from "../support/dicom-series.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-masks-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(maskCases)("masks/$masks on $series", (each) => {
  let opened: Awaited<ReturnType<typeof openCase>>;
  let set: MaskSet;
  beforeAll(async () => {
    opened = await openCase(each);
    const organs = [...opened.organs.keys()].map((name, index) => ({ name, label: index + 1 }));
    set = { handle: opened.masks.handle, organs, note: "" };
  });
  afterAll(() => {
    opened.masks.close();
    opened.scan.close();
  });

  const file = (name: string) => join(folder, `${each.series.replaceAll("/", "-")}-${name}.dcm`);

  /** Every organ of a file as values of 0 and 1. */
  async function readBack(path: string): Promise<Map<string, Uint8Array>> {
    const annotation = parseAnnotation(readFileSync(path), path);
    const { shape, affine, spacing } = opened.scan;
    const scan = { shape, affine, spacing, source: opened.source };
    const found = new Map<string, Uint8Array>();
    for (const [label, name] of annotatedLabels(annotation)) {
      const map: Volume = await annotationLabels(path, annotation, "the scan", scan, {
        only: label - 1,
      });
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
  const present = () => new Map([...opened.organs].filter(([, mask]) => mask.includes(1)));

  it("as a BINARY segmentation, overlaps and all", async () => {
    const written = await writeSegFile(file("binary"), set, ownPlacement(opened.source), {});
    expect(written.written).toBe(true);
    expect(written.empty).toEqual(["gallbladder"]);
    expect(differences(await readBack(file("binary")), present())).toEqual([0, 0, 0, 0, 0]);
  });

  it("as a LABELMAP segmentation, the more probable organ where they overlap", async () => {
    const options = { type: "LABELMAP" } as const;
    await writeSegFile(file("labelmap"), set, ownPlacement(opened.source), options);
    const taken = new Set<number>();
    const expected = new Map(
      [...present()].map(([name, mask]) => [
        name,
        mask.map((inside, voxel) => {
          if (!inside || taken.has(voxel)) return 0;
          taken.add(voxel);
          return 1;
        }),
      ]),
    );
    expect(differences(await readBack(file("labelmap")), expected)).toEqual([0, 0, 0, 0, 0]);
  });

  it.each(["keyholes", "nested"] as const)("as a structure set, holes as %s", async (holes) => {
    const written = await writeRtStructFile(file(holes), set, ownPlacement(opened.source), {
      holes,
    });
    expect(written).toMatchObject({ written: true, empty: ["gallbladder"] });
    expect(differences(await readBack(file(holes)), present())).toEqual([0, 0, 0, 0, 0]);
  });
});

it("the masks' data hold what is hard: holes, an overlap, single voxels, an organ without voxels", async () => {
  const masks = await readMasks("base");
  expect([...masks.keys()]).toContain("gallbladder");
  const overlap = [...(masks.get("liver") as Uint8Array)].some(
    (inside, voxel) =>
      inside === 1 && [...masks].some(([name, mask]) => name !== "liver" && mask[voxel] === 1),
  );
  expect(overlap).toBe(true);
});
