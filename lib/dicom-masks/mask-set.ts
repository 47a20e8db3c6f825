/** Masks to be written as DICOM objects, and how that is done. */
import type { CallOptions } from "../addon/call.js";
import type { MasksHandle } from "../addon/contract/index.js";
import type { ScanWarning } from "../base/warnings.js";
import { cutText, type Provenance } from "../dicom/write/identity.js";
import type { GivenCodes } from "./codes.js";

/** Organs' masks in native memory, in their order. */
export interface MaskSet {
  handle: MasksHandle;
  organs: readonly { name: string; label: number }[];
  /** Warning that the files must carry; "" for none. */
  note: string;
}

/** Options of every file of masks. */
export interface MaskFileOptions extends CallOptions, Provenance {
  /** Codes that go before this package's own, see {@link readOrganCodes}. */
  codes?: GivenCodes;
}

/** The outcome of writing masks as a DICOM object. */
export interface WrittenMasks {
  /** Whether there is a file: where no organ has a voxel there is none. */
  written: boolean;
  /** Names of organs without a voxel, which such a file cannot hold. */
  empty: string[];
  warnings: ScanWarning[];
}

/** @param present indices of the organs that the file holds. */
export function outcome({ organs }: MaskSet, present: ReadonlySet<number>): WrittenMasks {
  const empty = organs.filter((_, index) => !present.has(index)).map(({ name }) => name);
  const written = present.size > 0;
  const message = written
    ? `organs without a voxel are not in its DICOM files: ${empty.join(", ")}`
    : "no organ has a voxel: there are no DICOM files of it";
  const warnings: ScanWarning[] =
    empty.length > 0 || !written ? [{ code: "EMPTY_ORGANS", message }] : [];
  return { written, empty, warnings };
}

/** A series' description: this package's name, the content, and the note, as far as 64 characters hold it. */
export function describeSeries(content: string, note: string): string {
  return cutText(note === "" ? `MedLSAM ${content}` : `MedLSAM ${content}: ${note}`, 64);
}

/** Milliseconds of work after which the event loop turns. */
const turn = 5;

/** Gives a function to be called between pieces of work, which lets the event loop turn when it is due. */
export function paced(): () => Promise<void> {
  let started = performance.now();
  return async () => {
    if (performance.now() - started < turn) return;
    await new Promise((resolve) => setImmediate(resolve));
    started = performance.now();
  };
}
