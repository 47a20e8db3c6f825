/** DICOM segmentations (PS3.3 A.51): segments and frames. */
import { InputError } from "../../base/errors.js";
import type { DicomDataSet } from "../data-set.js";
import { asciiOf, codesOf, integerOf, itemsOf, textOf } from "../elements.js";
import type { DicomAttributes } from "../source.js";
import { transferSyntax } from "../uids.js";
import type { AnnotatedOrgan, AnnotationFrame, SegmentationAnnotation } from "./annotation.js";
import { namesOf, referenceIn } from "./names.js";

/** Value of a label map's background. */
const background = 0;

/** @throws InputError `BAD_ANNOTATION` */
export function parseSegmentation(
  { attributes, pixelData, bytes, transferSyntaxUid }: DicomDataSet,
  name: string,
): SegmentationAnnotation {
  const bad = (message: string) => new InputError("BAD_ANNOTATION", `${name}: ${message}`);
  const type = asciiOf(attributes, "SegmentationType") ?? "";
  if (type !== "BINARY" && type !== "LABELMAP") {
    throw bad(`it is a segmentation of type ${type || "none"}; BINARY and LABELMAP are read.`);
  }
  const { name: syntax, coding } = transferSyntax(transferSyntaxUid);
  if (!pixelData || pixelData.length === undefined || coding !== "native") {
    throw bad(`its pixels are coded (${syntax}). Decode them: gdcmconv --raw IN OUT.`);
  }
  const [rows, columns] = [
    integerOf(attributes, "Rows") ?? 0,
    integerOf(attributes, "Columns") ?? 0,
  ];
  const bits = integerOf(attributes, "BitsAllocated") ?? 0;
  if (!(type === "BINARY" ? [1] : [8, 16]).includes(bits) || rows < 1 || columns < 1) {
    throw bad(
      `it says ${rows} × ${columns} pixels of ${bits} bits, which is no ${type} segmentation.`,
    );
  }
  const items = itemsOf(attributes, "PerFrameFunctionalGroupsSequence");
  const needed = Math.ceil((items.length * rows * columns * bits) / 8);
  if (items.length === 0 || integerOf(attributes, "NumberOfFrames") !== items.length) {
    throw bad(`its number of frames is not that of their descriptions, ${items.length}.`);
  }
  if (pixelData.length < needed) {
    throw bad(`its pixels are ${pixelData.length} bytes, and its frames need ${needed}.`);
  }
  const shared = itemsOf(attributes, "SharedFunctionalGroupsSequence")[0] ?? new Map();
  const measures =
    itemsOf(shared, "PixelMeasuresSequence")[0] ?? groupOf(items[0], "PixelMeasuresSequence");
  const spacing = measures && asciiOf(measures, "PixelSpacing");
  return {
    kind: "segmentation",
    organs: organsOf(attributes),
    ...{ rows, columns, bits },
    ...(spacing !== undefined && { pixelSpacing: spacing }),
    frames: items.map((item) => frameOf(item, shared, type === "BINARY")),
    pixels: Uint8Array.from(bytes.subarray(pixelData.offset, pixelData.offset + needed)),
  };
}

function organsOf(attributes: DicomAttributes): AnnotatedOrgan[] {
  const charset = codesOf(attributes, "SpecificCharacterSet");
  const segments = itemsOf(attributes, "SegmentSequence").flatMap((item) => {
    const number = integerOf(item, "SegmentNumber");
    return number === undefined || number === background
      ? []
      : [{ number, name: textOf(item, "SegmentLabel", charset) }];
  });
  return namesOf(segments, "segment");
}

type Group =
  | "PixelMeasuresSequence"
  | "PlanePositionSequence"
  | "PlaneOrientationSequence"
  | "SegmentIdentificationSequence"
  | "DerivationImageSequence";

function groupOf(item: DicomAttributes | undefined, name: Group): DicomAttributes | undefined {
  return item && itemsOf(item, name)[0];
}

/** A frame, from its own functional groups or else from the shared ones. */
function frameOf(item: DicomAttributes, shared: DicomAttributes, binary: boolean): AnnotationFrame {
  const group = (name: Group) => groupOf(item, name) ?? groupOf(shared, name) ?? new Map();
  const segment = integerOf(group("SegmentIdentificationSequence"), "ReferencedSegmentNumber");
  const position = asciiOf(group("PlanePositionSequence"), "ImagePositionPatient");
  const orientation = asciiOf(group("PlaneOrientationSequence"), "ImageOrientationPatient");
  const reference = referenceIn(
    itemsOf(group("DerivationImageSequence"), "SourceImageSequence")[0],
  );
  return {
    ...(binary && segment !== undefined && { segment }),
    ...(reference && { reference }),
    ...(position !== undefined && { position }),
    ...(orientation !== undefined && { orientation }),
  };
}
