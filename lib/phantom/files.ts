/** A phantom as two files, its scan and its label map. */
import { join } from "node:path";
import type { CallOptions } from "../addon/call.js";
import { labelTableXml } from "../formats/label-names.js";
import type { Phantom } from "./phantom.js";

export interface PhantomFiles {
  image: string;
  /** The label map, with the names in its header. */
  labels: string;
}

/** Names of a phantom's files. */
export function phantomFiles(folder: string, seed: number): PhantomFiles {
  const base = join(folder, `phantom-${seed}`);
  return { image: `${base}.nii.gz`, labels: `${base}_label.nii.gz` };
}

/** Writes both files, the image last, and closes the phantom's volumes. @throws OutputError */
export async function writePhantom(
  { image, labels, names }: Phantom,
  files: PhantomFiles,
  options: CallOptions,
): Promise<void> {
  try {
    await labels.write(files.labels, { ...options, labelXml: labelTableXml(names) });
    await image.write(files.image, options);
  } finally {
    image.close();
    labels.close();
  }
}
