/** A segmentation's DICOM files: options, and the series that they refer to. */
import { z } from "zod";
import { aFunction, aPath, optionsOf } from "../base/arguments.js";
import type { MaskFileOptions } from "../dicom-masks/mask-set.js";
import {
  type DicomScan,
  ownPlacement,
  type Placement,
  placementLike,
  requireSource,
} from "../dicom-masks/placement.js";
import type { RtStructOptions } from "../dicom-masks/write-rtstruct.js";
import type { SegOptions } from "../dicom-masks/write-seg.js";
import { aVolume, Volume } from "../volumes/volume.js";

/** Options of every DICOM file of masks. */
export interface DicomFileOptions extends MaskFileOptions {
  /**
   * The series that a scan of another format was made of, a volume or what {@link Volume.read} takes: images that the file
   * refers to. Its voxels must be the scan's, however their axes are swapped or reversed. Not needed for a scan read from DICOM.
   */
  reference?: string | Volume;
}

export interface WriteSegOptions extends DicomFileOptions, SegOptions {}
export interface WriteRtStructOptions extends DicomFileOptions, RtStructOptions {}

/** @internal Codes as {@link readOrganCodes} gives them. */
export const someCodes = z.map(
  z.string(),
  z.looseObject({}),
  "must be a Map of codes by organ (readOrganCodes gives one)",
);

const shape = {
  reference: z
    .union([aPath, aVolume], "must be a path, as text, or a Volume read from DICOM")
    .optional(),
  codes: someCodes.optional(),
  uid: aFunction.optional(),
  now: z.date("must be a Date").optional(),
};

export const writeSegOptions = optionsOf({
  ...shape,
  type: z.enum(["BINARY", "LABELMAP"]).optional(),
});

export const writeRtStructOptions = optionsOf({
  ...shape,
  holes: z.enum(["keyholes", "nested"]).optional(),
});

/**
 * Runs `use` with the place of the scan among a series' images.
 * @throws UsageError for a scan that was not read from DICOM, without a reference; InputError `GEOMETRY_MISMATCH` for one of
 *   another geometry, and what reading it throws.
 */
export async function withPlacement<T>(
  scan: Volume,
  options: DicomFileOptions,
  use: (placement: Placement) => Promise<T>,
): Promise<T> {
  const { reference } = options;
  if (reference === undefined || scan.source !== undefined)
    return use(ownPlacement(requireSource(scan)));
  if (reference instanceof Volume) return use(referredPlacement(scan, reference));
  const { threads, signal } = options;
  const series = await Volume.read(reference, {
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
  });
  try {
    return await use(referredPlacement(scan, series));
  } finally {
    series.close();
  }
}

function referredPlacement(scan: Volume, reference: Volume): Placement {
  const { shape, affine, spacing, path } = reference;
  const series: DicomScan = { source: requireSource(reference), shape, affine, spacing };
  return placementLike(scan.path || "The volume", scan, path || "the reference", series);
}
