/** The options of how DICOM series are chosen and read, for every command that takes scans. */
import { type Command, Option } from "commander";
import { UsageError } from "../base/errors.js";
import type { DicomOptions, Modality, ScanCase } from "../index.js";
import type { Api } from "./session.js";

export interface DicomFlags {
  series?: string;
  resampleSlices?: boolean;
  modality?: Modality;
}

export const modalityOption = () =>
  new Option(
    "--modality <name>",
    "DICOM images to take: ct, or any for MR and PT as well, whose values are not HU (default: ct)",
  ).choices(["ct", "any"] satisfies Modality[]);

export function addDicomOptions(command: Command): Command {
  return command
    .option(
      "--series <which>",
      "DICOM series to read where there are several: its UID, number or description (see: medlsam series)",
    )
    .option(
      "--resample-slices",
      "interpolate DICOM slices that are missing or unevenly spaced, instead of refusing them",
    )
    .addOption(modalityOption());
}

export function dicomOptions({ series, resampleSlices, modality }: DicomFlags): DicomOptions {
  return {
    ...(series !== undefined && { series }),
    ...(resampleSlices !== undefined && { resampleSlices }),
    ...(modality !== undefined && { modality }),
  };
}

/** The flags as a report may hold them: a series' number, name or UID stays out of files. */
export function withoutSeries({ series: _, ...flags }: DicomFlags): object {
  return flags;
}

export const allSeriesOption = () =>
  new Option("--all-series", "every DICOM series in an image is a scan of its own, NAME-1, NAME-2");

/** With --all-series: the scans of the images. @throws UsageError for options that do not go together. */
export async function seriesCases(
  images: readonly string[],
  flags: DicomFlags & { allSeries?: boolean },
  { casesOfSeries }: Pick<Api, "casesOfSeries">,
  signal: AbortSignal,
): Promise<ScanCase[] | undefined> {
  if (!flags.allSeries) return undefined;
  if (flags.series !== undefined) throw new UsageError("Give either --series or --all-series.");
  const { modality } = flags;
  return casesOfSeries(images, { ...(modality !== undefined && { modality }), signal });
}
