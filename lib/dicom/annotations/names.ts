/** Names of organs and references to images, which segmentations and structure sets write alike. */
import { asciiOf, integerOf } from "../elements.js";
import type { DicomAttributes } from "../source.js";
import type { AnnotatedOrgan, ImageReference } from "./annotation.js";

/** Organs of names that are there and differ: one that another has before gets a number. */
export function namesOf(
  found: readonly { number: number; name: string | undefined }[],
  kind: string,
): AnnotatedOrgan[] {
  const taken = new Set<string>();
  return found.map(({ number, name = `${kind} ${number}` }) => {
    let unique = name;
    for (let i = 2; taken.has(unique); i++) unique = `${name} ${i}`;
    taken.add(unique);
    return { number, name: unique };
  });
}

/** The image that an item names. */
export function referenceIn(item: DicomAttributes | undefined): ImageReference | undefined {
  const sopInstanceUid = item && asciiOf(item, "ReferencedSOPInstanceUID");
  if (!item || sopInstanceUid === undefined) return undefined;
  const frame = integerOf(item, "ReferencedFrameNumber");
  return frame === undefined ? { sopInstanceUid } : { sopInstanceUid, frame };
}
