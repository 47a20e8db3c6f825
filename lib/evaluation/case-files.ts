/** The folder of one case: what `medlsam segment` writes, or a case of TotalSegmentator's dataset. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { InputError, unreadable } from "../base/errors.js";
import { boxesFile } from "../formats/boxes.js";
import { dicomFiles } from "../formats/mask-formats.js";
import { isScan, stemOf } from "../formats/scan-names.js";

/** Names of the files in it. */
export interface CaseFiles {
  /** One label map of all organs (`segmentation.nii.gz`), */
  map?: string;
  /** or a mask per organ, by the file's name. */
  masks?: Map<string, string>;
  /** `boxes.json` */
  boxes?: string;
}

/** Name of the folder of a case's masks in TotalSegmentator's dataset. */
export const masksFolder = "segmentations";

/** Name of the scan, which TotalSegmentator's dataset keeps next to the masks. */
const image = "ct";

/** @throws InputError for a folder without a segmentation, or with two kinds of them. */
export async function readCaseFolder(folder: string): Promise<CaseFiles> {
  const names = await list(folder);
  const boxes = names.includes(boxesFile) ? { boxes: join(folder, boxesFile) } : {};
  const nested = names.includes(masksFolder) ? join(folder, masksFolder) : undefined;
  const within = nested ?? folder;
  const files = (nested === undefined ? names : await list(nested)).filter(isScan);
  const dicom = Object.values(dicomFiles).find((name) => names.includes(name));
  const map = files.find((name) => stemOf(name) === "segmentation");
  const masks = files.filter((name) => name !== map && stemOf(name) !== image);
  if (map !== undefined && masks.length > 0) {
    throw new InputError(
      "BAD_LABELS",
      `${within}: holds ${map} and a mask per organ (${masks[0]}). Which is meant? Give the one file, or move it away.`,
    );
  }
  if (map !== undefined) return { map: join(within, map), ...boxes };
  if (masks.length === 0 && dicom !== undefined) return { map: join(folder, dicom), ...boxes };
  // Boxes without masks: no organ was found to be segmented.
  if (masks.length === 0 && boxes.boxes === undefined) {
    throw new InputError(
      "FILE_NOT_FOUND",
      `${folder}: holds no segmentation. A case's folder has a NAME.nii.gz for each organ, or segmentation.nii.gz.`,
    );
  }
  return { masks: namedMasks(within, masks), ...boxes };
}

function namedMasks(folder: string, files: string[]): Map<string, string> {
  const masks = new Map<string, string>();
  for (const file of files) {
    const organ = stemOf(file);
    const other = masks.get(organ);
    if (other !== undefined) {
      throw new InputError(
        "BAD_LABELS",
        `${folder}: two files are of the organ ${organ}: ${basename(other)} and ${file}. Keep one.`,
      );
    }
    masks.set(organ, join(folder, file));
  }
  return masks;
}

/** Entries of a folder, sorted. @throws InputError */
export async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

/** @throws InputError for what is not there. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
