/** Series of the conformance data with the masks that go with them (test/conformance/data/dicom/README.md). */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readDataSet } from "../../lib/dicom/data-set.js";
import { asciiOf, decimalsOf, integerOf, itemsOf } from "../../lib/dicom/elements.js";
import type { DicomAttributes, DicomSlice, DicomSource } from "../../lib/dicom/source.js";
import { Volume } from "../../lib/index.js";
import { Masks } from "../../lib/segmentation/segmenter.js";
import { conformance } from "./data.js";

const at = (path: string) => conformance(`dicom/${path}`);

function filesOf(path: string): string[] {
  return statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
}

function slicesOf(data: DicomAttributes, path: string): DicomSlice[] {
  const common = {
    path,
    sopClassUid: asciiOf(data, "SOPClassUID") as string,
    sopInstanceUid: asciiOf(data, "SOPInstanceUID") as string,
    z: 0,
  };
  const frames = itemsOf(data, "PerFrameFunctionalGroupsSequence");
  if (frames.length === 0) {
    return [{ ...common, imagePosition: asciiOf(data, "ImagePositionPatient") as string }];
  }
  return frames.map((frame, i) => {
    const plane = itemsOf(frame, "PlanePositionSequence")[0] as DicomAttributes;
    return {
      ...common,
      frame: i + 1,
      imagePosition: asciiOf(plane, "ImagePositionPatient") as string,
    };
  });
}

const cross = ([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: number[]) => [
  b * f - c * e,
  c * d - a * f,
  a * e - b * d,
];
const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

export function sourceOf(path: string): DicomSource {
  const sets = filesOf(path).map((file) => ({
    file,
    data: readDataSet(readFileSync(file)).attributes,
  }));
  const data = sets[0]?.data as DicomAttributes;
  const shared = itemsOf(data, "SharedFunctionalGroupsSequence")[0] ?? data;
  const first = (name: "PlaneOrientationSequence" | "PixelMeasuresSequence") =>
    itemsOf(shared, name)[0] ?? data;
  const orientation = first("PlaneOrientationSequence");
  const normal = cross(decimalsOf(orientation, "ImageOrientationPatient"));
  const numbers = ({ imagePosition }: DicomSlice) => imagePosition.split("\\").map(Number);
  const slices = sets
    .flatMap(({ file, data: own }) => slicesOf(own, file))
    .sort((a, b) => dot(normal, numbers(a)) - dot(normal, numbers(b)))
    .map((slice, z) => ({ ...slice, z }));
  const [from, to] = [numbers(slices[0] as DicomSlice), numbers(slices.at(-1) as DicomSlice)];
  const way = to.map((x, i) => (x - (from[i] as number)) / (slices.length - 1));
  const along = dot(way, normal);
  return {
    kind: "dicom",
    slices,
    attributes: data,
    rows: integerOf(data, "Rows") as number,
    columns: integerOf(data, "Columns") as number,
    imageOrientation: asciiOf(orientation, "ImageOrientationPatient") as string,
    pixelSpacing: asciiOf(first("PixelMeasuresSequence"), "PixelSpacing") as string,
    sliceSpacing: along,
    tilt: (Math.acos(Math.min(1, along / Math.hypot(...way))) * 180) / Math.PI,
    resampled: false,
    lossy: false,
  };
}

/** Cases of masks: their folder, and the series that they belong to. */
export const maskCases = [
  { masks: "base", series: "syntax/explicit" },
  { masks: "tilt", series: "geometry/tilt" },
  { masks: "sagittal", series: "geometry/sagittal" },
  { masks: "oblique", series: "geometry/oblique" },
  { masks: "base", series: "multiframe/enhanced.dcm" },
] as const;

export type MaskCase = (typeof maskCases)[number];

export const seriesPath = (series: string) => at(series);
export const masksFolder = (name: string) => at(`masks/${name}`);

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

/** The scan with its source, and the masks in native memory; each organ a little less probable than the one before. */
export async function openCase({ masks, series }: MaskCase) {
  // A mask has the scan's geometry, which is all that is asked of it here.
  const scan = await Volume.read(join(masksFolder(masks), "liver.nii.gz"));
  const organs = await readMasks(masks);
  const set = Masks.make(scan, organs.size);
  const [z, y, x] = scan.shape;
  let index = 0;
  for (const mask of organs.values()) {
    const probability = 0.99 - 0.01 * index;
    await set.set(
      index++,
      { min: [0, 0, 0], max: [z - 1, y - 1, x - 1] },
      Float32Array.from(mask, (inside) => inside * probability),
    );
  }
  return { scan, source: sourceOf(at(series)), organs, masks: set };
}
