/** One case's results as files, in the manner of TotalSegmentator. */
import { join } from "node:path";
import type { CallOptions } from "../addon/call.js";
import { threadsOfProcess } from "../addon/threads.js";
import { inParallel } from "../base/parallel.js";
import { type Boxes, boxesFile } from "../formats/boxes.js";
import { writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import type { Segmentation, SegmentedOrgan } from "../segmentation/segmentation.js";
import { writeSegmentationPage } from "../viewer/segmentation-page.js";
import { CaseFolder, maskFiles } from "./case-folder.js";

/** Files that a segmented scan gets besides `boxes.json`; a mask for each organ by default. */
export interface CaseOutputs {
  /** One `segmentation.nii.gz` with the names in its header extension, instead of a file per organ. */
  labelMap?: boolean;
  /** `statistics.json`: volume (mm³) and mean intensity (HU) of every organ. */
  statistics?: boolean;
  /** `preview.png`: the middle slices with contours and boxes. */
  preview?: boolean;
  /** `page.html`: the scan, masks and boxes, to be looked through in a browser. */
  page?: boolean;
}

/**
 * Writes the case's folder in `output`; all of it appears, or nothing changes.
 * @param boxes content of `boxes.json`, to which the segmentation's labels and the names of the files are added.
 * @returns the paths of the files, that of `boxes.json` last.
 * @throws OutputError; UsageError if two organs' files would share a name.
 */
export async function writeCase(
  output: string,
  name: string,
  segmentation: Segmentation,
  boxes: Boxes,
  outputs: CaseOutputs,
  options: CallOptions,
): Promise<string[]> {
  const organs = Object.values(segmentation.organs);
  const note = segmentation.note === "" ? {} : { note: segmentation.note };
  const masks = maskFiles(outputs.labelMap ? [] : organs.map((organ) => organ.name));
  const folder = await CaseFolder.begin(output, name);
  try {
    const files: string[] = [];
    const write = async (file: string, act: (path: string) => Promise<void>) => {
      await act(folder.path(file));
      files.push(file);
    };
    if (outputs.labelMap) {
      await write("segmentation.nii.gz", (path) => segmentation.writeLabelMap(path, options));
    } else {
      const { threads = threadsOfProcess() } = options;
      // Compressing is one thread's work: several files at a time, a volume of bytes in memory for each.
      await inParallel(Math.min(4, threads), organs, (organ) =>
        write(masks.get(organ.name) as string, (path) => organ.write(path, options)),
      );
    }
    if (outputs.preview) {
      await write("preview.png", (path) => segmentation.writePreview(path, options));
    }
    if (outputs.page) {
      await write("page.html", (path) =>
        writeSegmentationPage(path, segmentation, boxes.organs, options),
      );
    }
    if (outputs.statistics) {
      await write("statistics.json", async (path) =>
        writeJson(path, { ...note, ...statistics(organs) }),
      );
    }
    files.sort();
    const labelled = Object.fromEntries(
      organs.map((organ) => [organ.name, { ...boxes.organs[organ.name], label: organ.label }]),
    );
    writeJson(folder.path(boxesFile), { ...boxes, ...note, organs: labelled, files });
    await folder.commit(files);
    return [...files, boxesFile].map((file) => join(output, name, file));
  } catch (error) {
    await folder.discard();
    throw error;
  }
}

/** By organ, as TotalSegmentator writes it (a `note` of demo models stands before them); an empty mask has intensity 0 there. */
function statistics(organs: readonly SegmentedOrgan[]): Record<string, object> {
  return Object.fromEntries(
    organs.map(({ name, volume, intensity }) => [name, { volume, intensity: intensity ?? 0 }]),
  );
}

function writeJson(path: string, value: object): void {
  writeWhole(path, `${formatJson(value)}\n`);
}
