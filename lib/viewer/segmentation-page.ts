/** One scan's segmentation as a page, the scan subsampled to a size that a page can hold. */
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import type { CallOptions } from "../addon/call.js";
import type { Box, Triple } from "../geometry/box.js";
import type { Segmentation, SegmentedOrgan } from "../segmentation/segmentation.js";
import { Volume } from "../volumes/volume.js";
import { type PageOrgan, writePage } from "./page.js";

/** Most voxels of a scan in a page: at 16 bits, compressed and in base64, they take some 20 MB. */
const mostVoxels = 8_000_000;

/** Where an organ was found. */
export interface OrganPlace {
  box?: Box;
  parts?: readonly Box[];
  score?: number | null;
}

/**
 * Writes a page of scan, masks and boxes. Meanwhile there are temporary files next to it.
 * @throws OutputError; UsageError for labels that no label map can hold.
 */
export async function writeSegmentationPage(
  path: string,
  segmentation: Segmentation,
  places: Readonly<Record<string, OrganPlace>>,
  options: CallOptions,
): Promise<void> {
  const { scan, note, organs } = segmentation;
  const step = stepFor(scan.shape, scan.spacing);
  const [image, masks] = [`${path}.scan.nii.gz`, `${path}.masks.nii.gz`];
  try {
    await segmentation.writeLabelMap(masks, options);
    const { shape, affine } = await writeThinned(scan, step, image, options);
    const labels = await Volume.read(masks, options);
    try {
      await writeThinned(labels, step, masks, options);
    } finally {
      labels.close();
    }
    await writePage(
      path,
      {
        title: basename(segmentation.image) || "medlsam",
        note,
        about: [thinning(scan, step)],
        columns: ["score", "volume ml", "mean HU", ""],
        organs: Object.values(organs).map((organ) =>
          describe(organ, places[organ.name] ?? {}, step, shape),
        ),
        image,
        masks,
        shape,
        affine,
      },
      options,
    );
  } finally {
    for (const file of [image, masks]) await rm(file, { force: true });
  }
}

async function writeThinned(
  volume: Volume,
  step: Triple,
  path: string,
  options: CallOptions,
): Promise<{ shape: Triple; affine: readonly number[] }> {
  const thin = await volume.thinned(step, options);
  try {
    await thin.write(path, options);
    return { shape: thin.shape, affine: thin.affine };
  } finally {
    thin.close();
  }
}

/** Steps along the axes that leave few enough voxels; the finest axis is subsampled first. */
export function stepFor(shape: Triple, spacing: Triple): Triple {
  const step: Triple = [1, 1, 1];
  const left = () =>
    shape.reduce((product, n, axis) => product * Math.ceil(n / step[axis as 0]), 1);
  while (left() > mostVoxels) {
    const shown = spacing.map((mm, axis) => mm * step[axis as 0]);
    step[shown.indexOf(Math.min(...shown)) as 0]++;
  }
  return step;
}

function thinning({ shape }: Volume, step: Triple): string {
  const [z, y, x] = shape;
  const size = `${x} × ${y} × ${z} voxels`;
  if (step.every((each) => each === 1)) return `${size}.`;
  const [dz, dy, dx] = step;
  return `${size}, of which every ${dx} × ${dy} × ${dz}th is shown here; volumes and means are of all.`;
}

function describe(
  organ: SegmentedOrgan,
  place: OrganPlace,
  step: Triple,
  shape: Triple,
): PageOrgan {
  const { name, label, present, volume, intensity } = organ;
  const { box, parts, score } = place;
  const thin = (each: Box) => thinBox(each, step, shape);
  return {
    name,
    label,
    present,
    cells: [
      score?.toFixed(2) ?? "",
      present ? (volume / 1000).toFixed(1) : "",
      intensity?.toFixed(0) ?? "",
      present ? "" : "absent",
    ],
    ...(box && { box: thin(box) }),
    ...(parts && { parts: parts.map(thin) }),
  };
}

/** The box in voxels of the thinned volume. */
export function thinBox({ min, max }: Box, step: Triple, shape: Triple): Box {
  const index = (bound: number, axis: number) => {
    const every = step[axis as 0];
    const nearest = Math.round((bound - Math.floor((every - 1) / 2)) / every);
    return Math.min(Math.max(nearest, 0), shape[axis as 0] - 1);
  };
  return { min: min.map(index) as Triple, max: max.map(index) as Triple };
}
