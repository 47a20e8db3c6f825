/** RT structure sets (PS3.3 A.19): regions of interest and their contours. */
import { InputError } from "../../base/errors.js";
import type { DicomDataSet } from "../data-set.js";
import { asciiOf, codesOf, elementOf, integerOf, itemsOf, textOf } from "../elements.js";
import type { AnnotationContour, StructureSetAnnotation } from "./annotation.js";
import { namesOf, referenceIn } from "./names.js";

/** Kinds of contours that enclose an area; points and open lines are passed over. */
const closed = new Set(["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"]);

/** @throws InputError `BAD_ANNOTATION` for one without regions of interest. */
export function parseStructureSet(
  { attributes }: DicomDataSet,
  name: string,
): StructureSetAnnotation {
  const charset = codesOf(attributes, "SpecificCharacterSet");
  const regions = itemsOf(attributes, "StructureSetROISequence").flatMap((item) => {
    const number = integerOf(item, "ROINumber");
    return number === undefined ? [] : [{ number, name: textOf(item, "ROIName", charset) }];
  });
  if (regions.length === 0) {
    throw new InputError("BAD_ANNOTATION", `${name}: the structure set has no region of interest.`);
  }
  const contours: AnnotationContour[] = [];
  const texts: Uint8Array[] = [];
  let offset = 0;
  for (const region of itemsOf(attributes, "ROIContourSequence")) {
    const roi = integerOf(region, "ReferencedROINumber");
    for (const contour of itemsOf(region, "ContourSequence")) {
      const text = elementOf(contour, "ContourData")?.value;
      const type = asciiOf(contour, "ContourGeometricType") ?? "";
      if (roi === undefined || !text || !closed.has(type)) continue;
      const reference = referenceIn(itemsOf(contour, "ContourImageSequence")[0]);
      contours.push({ roi, ...(reference && { reference }), offset, length: text.length });
      texts.push(text);
      offset += text.length;
    }
  }
  const organs = namesOf(regions, "region");
  return { kind: "structure set", organs, contours, text: Uint8Array.from(Buffer.concat(texts)) };
}
