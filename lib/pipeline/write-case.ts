/** One case's results as files, in the manner of TotalSegmentator. */
import { join } from "node:path";
import type { CallOptions } from "../addon/call.js";
import { threadsOfProcess } from "../addon/threads.js";
import { inParallel } from "../base/parallel.js";
import type { ScanWarning } from "../base/warnings.js";
import type { GivenCodes } from "../dicom-masks/codes.js";
import type { WrittenMasks } from "../dicom-masks/mask-set.js";
import type { RtStructOptions } from "../dicom-masks/write-rtstruct.js";
import { type Boxes, boxesFile } from "../formats/boxes.js";
import { writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import { dicomFiles, type OutputFormat } from "../formats/mask-formats.js";
import type { PreviewPlane } from "../formats/preview-planes.js";
import type { Segmentation, SegmentedOrgan } from "../segmentation/segmentation.js";
import { writeSegmentationPage } from "../viewer/segmentation-page.js";
import type { Volume } from "../volumes/volume.js";
import { CaseFolder, maskFiles } from "./case-folder.js";

/** Files that a segmented scan gets besides `boxes.json`; a mask for each organ by default. */
export interface CaseOutputs {
  /** Formats of the masks; NIfTI by default. The DICOM ones refer to the images that the scan was read from. */
  formats?: readonly OutputFormat[];
  /** The series that a scan of another format was made of, for DICOM: see {@link DicomFileOptions}. */
  reference?: string | Volume;
  /** Codes of organs that go before this package's own, for DICOM: see {@link readOrganCodes}. */
  codes?: GivenCodes;
  /** How an RT structure set tells holes: see {@link RtStructOptions}. */
  holes?: RtStructOptions["holes"];
  /** One `segmentation.nii.gz` with the names in its header extension, instead of a file per organ. */
  labelMap?: boolean;
  /** `statistics.json`: volume (mm³) and mean intensity (HU) of every organ. */
  statistics?: boolean;
  /** `preview.png`: the middle slices with contours and boxes. */
  preview?: boolean;
  /** Planes of the preview's slices, from left to right; default: axial, coronal, sagittal. */
  previewPlanes?: readonly PreviewPlane[];
  /** `page.html`: the scan, masks and boxes, to be looked through in a browser. */
  page?: boolean;
}

/** The files of a case, and warnings about them. */
export interface WrittenCase {
  /** Paths of the files, that of `boxes.json` last. */
  files: string[];
  warnings: ScanWarning[];
}

/**
 * Writes the case's folder in `output`; all of it appears, or nothing changes.
 * @param boxes content of `boxes.json`, to which the segmentation's labels and the names of the files are added.
 * @throws OutputError; UsageError if two organs' files would share a name.
 */
export async function writeCase(
  output: string,
  name: string,
  segmentation: Segmentation,
  boxes: Boxes,
  outputs: CaseOutputs,
  options: CallOptions,
): Promise<WrittenCase> {
  const { formats = ["nifti"] } = outputs;
  const organs = Object.values(segmentation.organs);
  const note = segmentation.note === "" ? {} : { note: segmentation.note };
  const masks = maskFiles(writesMasks(outputs) ? organs.map((organ) => organ.name) : []);
  const folder = await CaseFolder.begin(output, name);
  try {
    const files: string[] = [];
    const write = async (file: string, act: (path: string) => Promise<void>, made = () => true) => {
      await act(folder.path(file));
      if (made()) files.push(file);
    };
    if (formats.includes("nifti") && outputs.labelMap) {
      await write("segmentation.nii.gz", (path) => segmentation.writeLabelMap(path, options));
    } else if (formats.includes("nifti")) {
      const { threads = threadsOfProcess() } = options;
      // Compressing is one thread's work: several files at a time, a volume of bytes in memory for each.
      await inParallel(Math.min(4, threads), organs, (organ) =>
        write(masks.get(organ.name) as string, (path) => organ.write(path, options)),
      );
    }
    const dicom = await writeDicom(segmentation, outputs, write, options);
    if (outputs.preview) {
      const preview = { ...options, planes: outputs.previewPlanes };
      await write("preview.png", (path) => segmentation.writePreview(path, preview));
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
    writeJson(folder.path(boxesFile), {
      ...boxes,
      ...note,
      organs: labelled,
      ...(dicom.empty.length > 0 && { empty: dicom.empty }),
      files,
    });
    await folder.commit(files);
    const paths = [...files, boxesFile].map((file) => join(output, name, file));
    return { files: paths, warnings: dicom.warnings };
  } catch (error) {
    await folder.discard();
    throw error;
  }
}

/** Whether there is a file for each organ. */
export function writesMasks({ formats = ["nifti"], labelMap }: CaseOutputs): boolean {
  return formats.includes("nifti") && !labelMap;
}

/** Writes the DICOM files among the formats; which organs they cannot hold, and warnings, each once. */
async function writeDicom(
  segmentation: Segmentation,
  { formats = [], reference, codes, holes }: CaseOutputs,
  write: (file: string, act: (path: string) => Promise<void>, made: () => boolean) => Promise<void>,
  options: CallOptions,
): Promise<Pick<WrittenMasks, "empty" | "warnings">> {
  const files = {
    ...options,
    ...(reference !== undefined && { reference }),
    ...(codes && { codes }),
  };
  const writers = {
    seg: (path: string) => segmentation.writeSeg(path, files),
    "labelmap-seg": (path: string) => segmentation.writeSeg(path, { ...files, type: "LABELMAP" }),
    rtstruct: (path: string) =>
      segmentation.writeRtStruct(path, { ...files, ...(holes && { holes }) }),
  } as const;
  const empty = new Set<string>();
  const warnings = new Map<string, ScanWarning>();
  for (const format of new Set(formats)) {
    if (format === "nifti") continue;
    let written = false;
    const act = async (path: string) => {
      const result = await writers[format](path);
      written = result.written;
      for (const organ of result.empty) empty.add(organ);
      for (const warning of result.warnings) warnings.set(warning.message, warning);
    };
    await write(dicomFiles[format], act, () => written);
  }
  return { empty: [...empty], warnings: [...warnings.values()] };
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
