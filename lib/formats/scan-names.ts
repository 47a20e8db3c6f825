/** Names of scans' files: of a volume or not, label map or image. */
import { basename, dirname, resolve } from "node:path";

/** Endings of the names of files that can be read, each format's longest first: those of the addon's table, `volumeFormats()`. */
export const scanExtensions = [
  ".nii.gz",
  ".nii",
  ".hdr.gz",
  ".hdr",
  ".nrrd",
  ".nhdr",
  ".mha",
  ".mhd",
] as const;

const extension = `(${scanExtensions.map((each) => each.replaceAll(".", "\\.")).join("|")})`;
const scan = new RegExp(`${extension}$`, "i");
const scanOrJson = new RegExp(`(${extension}|\\.json|\\.dcm|\\.zip)$`, "i");

/** Whether a file of this name is a volume that can be read, by one of {@link scanExtensions}. */
export function isScan(name: string): boolean {
  return scan.test(name);
}

/** A file's name without the ending of a scan or `.json`; a DICOMDIR has the name of its folder. */
export function stemOf(path: string): string {
  let name = basename(path);
  // A file of this name, which a folder may have as well.
  if (name === "DICOMDIR") name = basename(dirname(resolve(path)));
  // "." and ".." are folders with names of their own.
  if (/^\.+$/.test(name)) name = basename(resolve(path));
  return name.replace(scanOrJson, "");
}

const labelSuffix = /[-_.](label|labels|seg|rtstruct)$/i;

/** Whether a file of this stem is a label map next to its image: `NAME_label`, `NAME_seg`, 3D Slicer's `NAME.seg`. */
export function isLabelStem(stem: string): boolean {
  return labelSuffix.test(stem);
}

/** The stem of the image of a label map with this stem; other stems are returned unchanged. */
export function imageStem(stem: string): string {
  return stem.replace(labelSuffix, "");
}
