/** One of everything that the API makes, small, and what its calls throw. */
import {
  Checkpoint,
  Grid,
  MedLam,
  type OrganPrompt,
  Sam,
  segment,
  Volume,
} from "../../lib/index.js";
import { data, scan } from "./command.js";

export const paths = { medlam: data("medlam/medlam.pth"), sam: data("sam/sam_tiny.pth") };
export const annotated = { image: data("ct/a.nii.gz"), labels: data("ct/a_label.nii.gz") };

export const box: NonNullable<OrganPrompt["box"]> = { min: [3, 30, 40], max: [5, 60, 80] };
export const organs: Record<string, OrganPrompt> = { liver: { box } };

/** A volume of 3³ voxels, 40 mm wide each. */
export function smallVolume(): Promise<Volume> {
  const affine = [40, 0, 0, 0, 0, 40, 0, 0, 0, 0, 40, 0, 0, 0, 0, 1];
  return Volume.fromArray(
    new Int16Array(27).map((_, i) => 40 * i - 1000),
    { shape: [3, 3, 3], affine },
  );
}

export async function makeObjects() {
  const volume = await smallVolume();
  const sam = await Sam.load(paths.sam);
  return {
    volume,
    sam,
    checkpoint: await Checkpoint.open(paths.medlam),
    medlam: await MedLam.load(paths.medlam),
    grid: await Grid.make(volume),
    segmentation: await segment(scan, { segmenter: sam, organs }),
  };
}

/** What a call throws or rejects with; undefined if it succeeds. */
export async function failure(call: () => unknown): Promise<Error | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
