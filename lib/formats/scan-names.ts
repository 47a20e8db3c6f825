/** What the names of scans' files say: NIfTI or not, whose label map. */
import { basename } from "node:path";

/** Whether a file of this name is a volume: `.nii` or `.nii.gz`. */
export function isNifti(name: string): boolean {
  return /\.nii(\.gz)?$/i.test(name);
}

/** A file's name without `.nii`, `.nii.gz` or `.json`. */
export function stemOf(path: string): string {
  return basename(path).replace(/\.(nii(\.gz)?|json)$/i, "");
}

const labelSuffix = /[-_](label|labels|seg)$/i;

/** Whether a file of this stem is a label map that lies beside its image: `NAME_label`, `NAME_seg`. */
export function isLabelStem(stem: string): boolean {
  return labelSuffix.test(stem);
}

/** The stem of the image that a label map of this stem lies beside; other stems as they are. */
export function imageStem(stem: string): string {
  return stem.replace(labelSuffix, "");
}
