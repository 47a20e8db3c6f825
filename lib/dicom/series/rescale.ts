/** How stored samples become values: HU for CT (PS3.3 C.11.1). */
import { InputError } from "../../base/errors.js";
import { ctClasses } from "../uids.js";
import type { FrameFacts, ImageFacts } from "./image.js";

export interface Rescale {
  slope: number;
  intercept: number;
  /** First and last stored sample that is padding and becomes air, −1024 HU; null for none. */
  padding: [low: number, high: number] | null;
}

/** Values that CT has: padding among them, without a limit, is what somebody measured. */
const leastHu = -1024;
const mostHu = 3071;

/**
 * @param any whether the values need not be HU.
 * @throws InputError `NOT_HU` naming the attribute; `BAD_VOLUME` for bits that readers disagree on.
 */
export function rescaleOf(image: ImageFacts, frame: FrameFacts, any: boolean): Rescale {
  const { name } = image.file;
  if (image.highBit !== image.bitsStored - 1) {
    throw new InputError(
      "BAD_VOLUME",
      `${name}: its HighBit ${image.highBit} is not BitsStored − 1 = ${image.bitsStored - 1}, which readers take for different values. Convert it: gdcmconv --raw IN OUT.`,
    );
  }
  const isCt = ctClasses.has(image.sopClassUid) || image.modality === "CT";
  if (!any || isCt) requireHu(image, frame, any);
  const { slope = 1, intercept = 0 } = frame;
  if (!Number.isFinite(slope) || !Number.isFinite(intercept) || slope === 0) {
    throw new InputError(
      "BAD_VOLUME",
      `${name}: its RescaleSlope or RescaleIntercept is not a usable number. Correct its header.`,
    );
  }
  return { slope, intercept, padding: isCt ? paddingOf(image, slope, intercept) : null };
}

function requireHu(image: ImageFacts, frame: FrameFacts, any: boolean): void {
  const { name } = image.file;
  const notHu = (why: string) => {
    const out = any ? "" : " --modality any takes values as they are.";
    return new InputError("NOT_HU", `${name}: ${why}: its values are not HU.${out}`);
  };
  if (image.hasModalityLut) throw notHu("it has a ModalityLUTSequence");
  if (any) return;
  if (frame.intercept === undefined) throw notHu("it has no RescaleIntercept (0028,1052)");
  if (frame.slope === undefined) throw notHu("it has no RescaleSlope (0028,1053)");
  const { rescaleType = "HU" } = frame;
  if (rescaleType !== "HU") throw notHu(`its RescaleType is ${rescaleType.slice(0, 16)}`);
}

function paddingOf(
  { padding, paddingLimit }: ImageFacts,
  slope: number,
  intercept: number,
): Rescale["padding"] {
  if (padding === undefined) return null;
  if (paddingLimit !== undefined) {
    return [Math.min(padding, paddingLimit), Math.max(padding, paddingLimit)];
  }
  const value = padding * slope + intercept;
  return value >= leastHu && value <= mostHu ? null : [padding, padding];
}
