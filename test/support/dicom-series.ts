/** Series of the conformance data with the masks that go with them (test/conformance/data/dicom/README.md). */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type OrganPrompt, type Segmenter, segment, Volume } from "../../lib/index.js";
import { conformance } from "./data.js";

export const seriesPath = (series: string) => conformance(`dicom/${series}`);
const masksFolder = (name: string) => conformance(`dicom/masks/${name}`);

/** Cases of masks: their folder, and the series that they belong to. */
export const maskCases = [
  { masks: "base", series: "syntax/explicit" },
  { masks: "tilt", series: "geometry/tilt" },
  { masks: "sagittal", series: "geometry/sagittal" },
  { masks: "oblique", series: "geometry/oblique" },
  { masks: "base", series: "multiframe/enhanced.dcm" },
] as const;

export type MaskCase = (typeof maskCases)[number];

/** The organs' masks as values of 0 and 1, by name. */
export async function readMasks(name: string): Promise<Map<string, Uint8Array>> {
  const names = readdirSync(masksFolder(name))
    .filter((file) => file.endsWith(".nii.gz") && file !== "labels.nii.gz")
    .map((file) => file.replace(".nii.gz", ""))
    .sort();
  const found = new Map<string, Uint8Array>();
  for (const organ of names) {
    const volume = await Volume.read(join(masksFolder(name), `${organ}.nii.gz`));
    found.set(organ, Uint8Array.from(await volume.values()));
    volume.close();
  }
  return found;
}

/** A segmenter that knows the masks: each organ a little less probable than the one before. */
export function knowing(masks: ReadonlyMap<string, Uint8Array>): Segmenter {
  return {
    name: "masks",
    async segment({ volume, organs, masks: made, onComplete }) {
      const [z, y, x] = volume.shape;
      const box = { min: [0, 0, 0], max: [z - 1, y - 1, x - 1] } as NonNullable<OrganPrompt["box"]>;
      for (const [index, { name }] of organs.entries()) {
        const probability = 0.99 - 0.01 * index;
        const mask = masks.get(name) as Uint8Array;
        await made.set(
          index,
          box,
          Float32Array.from(mask, (inside) => inside * probability),
        );
        onComplete(index);
      }
      return {};
    },
  };
}

/** The masks as the segmentation of a scan that has them. */
export async function segmentationOf(masks: ReadonlyMap<string, Uint8Array>, scan: Volume) {
  const [z, y, x] = scan.shape;
  const box: NonNullable<OrganPrompt["box"]> = { min: [0, 0, 0], max: [z - 1, y - 1, x - 1] };
  const organs = Object.fromEntries([...masks.keys()].map((name) => [name, { box }]));
  return segment(scan, { segmenter: knowing(masks), organs });
}
