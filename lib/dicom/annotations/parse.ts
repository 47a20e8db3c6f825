/** Segmentations and structure sets, whichever a file holds. */
import { InputError } from "../../base/errors.js";
import { readDataSet } from "../data-set.js";
import { asciiOf } from "../elements.js";
import { sopClass } from "../uids.js";
import type { Annotation } from "./annotation.js";
import { parseSegmentation } from "./segmentation.js";
import { parseStructureSet } from "./structure-set.js";

/**
 * Parses the bytes of a file. `name`: the file's, for messages.
 * @throws InputError `BAD_VOLUME` for bytes that are no data set, `BAD_ANNOTATION` for another object or a damaged one.
 */
export function parseAnnotation(bytes: Uint8Array, name: string): Annotation {
  const dataSet = readDataSet(bytes, { name });
  const kind = asciiOf(dataSet.attributes, "SOPClassUID");
  if (kind === sopClass.segmentation || kind === sopClass.labelMapSegmentation) {
    return parseSegmentation(dataSet, name);
  }
  if (kind === sopClass.structureSet) return parseStructureSet(dataSet, name);
  throw new InputError(
    "BAD_ANNOTATION",
    `${name}: it is DICOM, but neither a segmentation (SEG) nor a structure set (RTSTRUCT): its SOP class is ${kind ?? "missing"}.`,
  );
}
