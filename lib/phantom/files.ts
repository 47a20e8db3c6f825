/** A phantom as two files, its scan and its label map. */
import { join } from "node:path";
import { z } from "zod";
import type { CallOptions } from "../addon/call.js";
import { aPath, callOptions, checkArguments } from "../base/arguments.js";
import { labelTableXml } from "../formats/label-names.js";
import { aVolume } from "../volumes/volume.js";
import type { Phantom } from "./phantom.js";

export interface PhantomFiles {
  image: string;
  /** The label map, with the names in its header. */
  labels: string;
}

/** Names of a phantom's files. */
export function phantomFiles(folder: string, seed: number): PhantomFiles {
  checkArguments("phantomFiles", { folder: [folder, aPath], seed: [seed, z.int()] });
  const base = join(folder, `phantom-${seed}`);
  return { image: `${base}.nii.gz`, labels: `${base}_label.nii.gz` };
}

/** Writes both files, the image last, and closes the phantom's volumes. @throws OutputError */
export async function writePhantom(
  phantom: Phantom,
  files: PhantomFiles,
  options: CallOptions = {},
): Promise<void> {
  checkArguments("writePhantom", {
    phantom: [
      phantom,
      z.object({ image: aVolume, labels: aVolume, names: z.map(z.int(), z.string()) }),
    ],
    files: [files, z.object({ image: aPath, labels: aPath })],
    options: [options, callOptions],
  });
  const { image, labels, names } = phantom;
  try {
    await labels.write(files.labels, { ...options, labelXml: labelTableXml(names) });
    await image.write(files.image, options);
  } finally {
    image.close();
    labels.close();
  }
}
