import type { Conventions } from "../addon/contract/index.js";
import type { DicomUids } from "../dicom/source-uids.js";
import type { Box, PhysicalBox, Triple } from "../geometry/box.js";
import type { Lattice } from "./lattice.js";

/** One of MSS's three scales: features at a quarter (0), half (1) and full (2) resolution. */
export type Scale = 0 | 1 | 2;

/** One organ found in one scan. */
export interface OrganLocalization {
  /** The value of the organ in the supports' label maps. */
  label: number;
  /** Whether the organ is in the scan; an absent organ keeps the box where it would be. */
  present: boolean;
  /** Mean cosine between the found points and the template, in [−1, 1]; null when no scale was searched. */
  score: number | null;
  /**
   * How far the box predicted by the anatomical coordinate system alone reaches into the scan, mm, along the axis where
   * that is least. Negative if the box is wholly outside, which makes the organ absent.
   */
  margin: number;
  /** Around all parts: stored voxels, inclusive, (z, y, x). */
  box: Box;
  /** One box per part of Sub-Patch Localization, from the lowest up; a single one for Whole-Patch Localization. */
  parts: Box[];
  /** Around the outer faces of the box's voxels: LPS mm, (x, y, z). */
  physicalBox: PhysicalBox;
}

/** Where the organs of one scan are. This is the JSON that `medlsam localize` writes. */
export interface Localization {
  version: 1;
  /** Warning copied from the checkpoint, e.g. that it is a demo model. */
  note?: string;
  /** The image's path as it was given; "" for a volume that came from no file. */
  image: string;
  /** Shape of the stored volume, (z, y, x). */
  shape: Triple;
  conventions: Conventions;
  scales: Scale[];
  /** true if a survey of the whole scan placed the points, which is not part of the published method. */
  survey?: boolean;
  /** Voxels between the centers of search patches, where they lay on a lattice; not part of the published method. */
  lattice?: Lattice;
  /** Organs by name, or by label number if they have none, in the template file's order. */
  organs: Record<string, OrganLocalization>;
  /** UIDs of a DICOM series, where they were asked for. */
  dicom?: DicomUids;
  /** Seconds, and the number of patches that the network ran on. */
  timing: {
    read: number;
    grid: number;
    network: number;
    similarity: number;
    total: number;
    patches: number;
  };
}
