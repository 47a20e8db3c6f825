/** A phantom as DICOM: its scan as a CT series, its truth as a segmentation and as a structure set. */
import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import { native } from "../addon/loader.js";
import { aPath, checkArguments, optionsOf, wholeNumber } from "../base/arguments.js";
import { inParallel } from "../base/parallel.js";
import { maxSeed } from "../base/seed.js";
import type { MaskSet } from "../dicom-masks/mask-set.js";
import { placementLike } from "../dicom-masks/placement.js";
import { writeRtStructFile } from "../dicom-masks/write-rtstruct.js";
import { writeSegFile } from "../dicom-masks/write-seg.js";
import { makeFolder, unwritable } from "../formats/files.js";
import { aVolume } from "../volumes/volume.js";
import { type CtPatient, type CtSeries, ctImages } from "./ct-images.js";
import type { Phantom } from "./phantom.js";
import { type PhantomRegion, phantomRegions } from "./regions.js";

export interface PhantomSeries {
  /** Folder of the CT images. */
  series: string;
  segmentation: string;
  structures: string;
}

/** Paths of a phantom's DICOM files. */
export function phantomSeriesFiles(folder: string, seed: number): PhantomSeries {
  checkArguments("phantomSeriesFiles", { folder: [folder, aPath], seed: [seed, z.int()] });
  const base = join(folder, `phantom-${seed}`);
  return { series: base, segmentation: `${base}_seg.dcm`, structures: `${base}_rtstruct.dcm` };
}

/** The day of every phantom's study, so that a seed gives the same bytes at any time. */
const day = new Date(2000, 0, 1, 12);

/**
 * Writes the scan as one CT image for each slice, and the labels that occur as a segmentation and, last, as a structure set; closes
 * the phantom's volumes. Patient and UIDs are made from the seed and the voxels' places: the same files each time.
 * @throws OutputError, AbortedError.
 */
export async function writePhantomSeries(
  phantom: Phantom,
  files: PhantomSeries,
  options: CallOptions & { seed: number },
): Promise<void> {
  checkArguments("writePhantomSeries", {
    phantom: [
      phantom,
      z.object({
        ...{ image: aVolume, labels: aVolume, names: z.map(z.int(), z.string()) },
        about: z.object({ sex: z.string(), region: z.enum(phantomRegions) }),
      }),
    ],
    files: [files, z.object({ series: aPath, segmentation: aPath, structures: aPath })],
    options: [options, optionsOf({ seed: wholeNumber(0, maxSeed) })],
  });
  const { image, labels } = phantom;
  const { seed, ...call } = options;
  const uid = uids(`${seed} ${image.shape} ${image.affine}`);
  try {
    const series = await ctImages(image, patientOf(phantom, seed), uid, day, call);
    await writeImages(series, files.series, call);
    await writeTruth(phantom, files, series, { ...call, uid, now: day });
  } finally {
    image.close();
    labels.close();
  }
}

/** DICOM's terms for the regions. */
const bodyParts = {
  whole: "WHOLEBODY",
  trunk: "TRUNK",
  abdomen: "ABDOMEN",
  thorax: "CHEST",
  head: "HEAD",
} as const satisfies Record<PhantomRegion, string>;

function patientOf({ about: { sex, region } }: Phantom, seed: number): CtPatient {
  const bodyPart = bodyParts[region];
  return { name: `PHANTOM^${seed}`, id: `PHANTOM-${seed}`, sex, bodyPart };
}

/** UIDs that a text decides: `2.25.` and 128 bits of a hash. */
function uids(text: string): () => string {
  let count = 0;
  return () => {
    const hash = createHash("sha256").update(`medlsam phantom ${text} ${count++}`).digest("hex");
    return `2.25.${BigInt(`0x${hash.slice(0, 32)}`)}`;
  };
}

/** Writes the images, and removes those of a longer series that was there before. */
async function writeImages(
  { images }: CtSeries,
  folder: string,
  options: CallOptions,
): Promise<void> {
  makeFolder(folder);
  const name = (index: number) => `${String(index + 1).padStart(4, "0")}.dcm`;
  // A disk that syncs a file takes others along.
  await inParallel(8, [...images.entries()], async ([index, image]) => {
    const chunks = image();
    await callNative(options, (task) => native.writeBytes(join(folder, name(index)), chunks, task));
  });
  try {
    const earlier = (await readdir(folder)).filter((file) => /^\d{4,}\.dcm$/.test(file));
    const made = new Set(images.map((_, index) => name(index)));
    for (const file of earlier) if (!made.has(file)) await rm(join(folder, file));
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

async function writeTruth(
  { labels, names }: Phantom,
  files: PhantomSeries,
  { source, shape, affine }: CtSeries,
  options: CallOptions & { uid: () => string; now: Date },
): Promise<void> {
  const found = await callNative(options, (task) => native.countLabels(labels.handle, task));
  const organs = found.map(({ label }) => ({ label, name: names.get(label) ?? String(label) }));
  const values = Int32Array.from(organs, ({ label }) => label);
  const handle = await callNative(options, (task) =>
    native.masksOfLabels(labels.handle, values, task),
  );
  try {
    const set: MaskSet = { handle, organs, note: "synthetic" };
    const series = { source, shape, affine, spacing: labels.spacing };
    const placement = placementLike("The labels", labels, "their scan", series);
    await writeSegFile(files.segmentation, set, placement, options);
    await writeRtStructFile(files.structures, set, placement, options);
  } finally {
    native.release(handle);
  }
}
