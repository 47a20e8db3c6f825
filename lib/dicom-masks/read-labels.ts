/** Label maps out of DICOM segmentations and structure sets, on the voxels of the scan that they annotate. */
import { type CallOptions, callNative } from "../addon/call.js";
import type { AnnotatedGrid, PlaneFrames, VolumeHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { InputError } from "../base/errors.js";
import type {
  Annotation,
  AnnotationFrame,
  ImageReference,
  SegmentationAnnotation,
  StructureSetAnnotation,
} from "../dicom/annotations/annotation.js";
import type { DicomSource } from "../dicom/source.js";
import { labelTableXml } from "../formats/label-names.js";
import { type Geometry, placeTolerance } from "../volumes/geometry.js";
import { Volume } from "../volumes/volume.js";
import { decimals, planeFrames } from "./placement.js";

/** A scan that may have been read from DICOM. */
export interface AnnotatedScan extends Geometry {
  readonly source?: DicomSource | undefined;
}

/** The images of a scan, and the slices that show them. */
interface Images {
  frames: PlaneFrames;
  grid: AnnotatedGrid;
  count: number;
  byReference: ReadonlyMap<string, number>;
}

const referenceKey = ({ sopInstanceUid, frame }: ImageReference) =>
  `${sopInstanceUid}#${frame ?? ""}`;

/** Images by the references to them; the only frame of an image may be called its first. */
function references({ slices }: DicomSource): [string, number][] {
  return slices.flatMap((slice, image): [string, number][] => {
    const own: [string, number] = [referenceKey(slice), image];
    return slice.frame === undefined ? [own, [referenceKey({ ...slice, frame: 1 }), image]] : [own];
  });
}

function imagesOf({ shape, affine, source, spacing }: AnnotatedScan): Images {
  const frames = source ? planeFrames(source) : framesOfAffine(shape, affine);
  const count = frames.origins.length / 3;
  return {
    frames,
    count,
    grid: {
      shape: [...shape],
      affine: [...affine],
      images: source?.resampled
        ? nearestImages(frames, shape[0], spacing)
        : Int32Array.from({ length: count }, (_, k) => k),
    },
    byReference: new Map(source ? references(source) : []),
  };
}

/** Images where a volume's slices are: of a scan that came from no series. */
function framesOfAffine(shape: Geometry["shape"], affine: readonly number[]): PlaneFrames {
  const lps = (column: number) =>
    [0, 1, 2].map((row) => (row < 2 ? -1 : 1) * (affine[4 * row + column] as number));
  const [origin, step] = [lps(3), lps(2)];
  const at = (k: number) => origin.map((start, i) => start + k * (step[i] as number));
  return {
    origins: Float64Array.from(Array.from({ length: shape[0] }, (_, k) => at(k)).flat()),
    column: Float64Array.from(lps(0)),
    row: Float64Array.from(lps(1)),
  };
}

/** For each slice of a volume that was resampled from the first image on, the nearest image. */
function nearestImages(
  { origins }: PlaneFrames,
  slices: number,
  [step]: Geometry["spacing"],
): Int32Array {
  const along = Array.from({ length: origins.length / 3 }, (_, image) =>
    Math.hypot(
      ...[0, 1, 2].map((i) => (origins[3 * image + i] as number) - (origins[i] as number)),
    ),
  );
  return Int32Array.from({ length: slices }, (_, z) => {
    const distances = along.map((distance) => Math.abs(distance - z * step));
    return distances.indexOf(Math.min(...distances));
  });
}

/** Organs of an annotation, each with the label that {@link annotationLabels} gives it. */
export function annotatedLabels({ organs }: Annotation): Map<number, string> {
  return new Map(organs.map(({ name }, index) => [index + 1, name]));
}

/**
 * The label map of an annotation: organs in their order are 1, 2, …; with `only`, that organ alone is 1. Where organs overlap, the
 * smaller one has the voxel.
 * @param path the annotation's file, for messages; `of`: the scan's.
 * @throws InputError `GEOMETRY_MISMATCH`, `BAD_ANNOTATION`
 */
export async function annotationLabels(
  path: string,
  annotation: Annotation,
  of: string,
  scan: AnnotatedScan,
  options: CallOptions & { only?: number },
): Promise<Volume> {
  const { only } = options;
  const wanted = only === undefined ? annotation.organs : annotation.organs.slice(only, only + 1);
  const labels = new Map(wanted.map(({ number }, index) => [number, index + 1]));
  const images = imagesOf(scan);
  const make = () =>
    annotation.kind === "segmentation"
      ? frameLabels(annotation, images, labels, { path, of, scan }, options)
      : contourLabels(annotation, images, labels, options);
  const handle = await make().catch((error: unknown) => {
    // Native code does not know the file's name.
    if (!(error instanceof InputError) || error.message.startsWith(path)) throw error;
    throw new InputError(error.code, `${path}: ${error.message}`, { cause: error });
  });
  const names = new Map(wanted.map(({ name }, index) => [index + 1, name]));
  return Volume.fromHandle(handle, { path, labelXml: labelTableXml(names) });
}

interface About {
  path: string;
  of: string;
  scan: AnnotatedScan;
}

function frameLabels(
  annotation: SegmentationAnnotation,
  images: Images,
  labels: ReadonlyMap<number, number>,
  about: About,
  options: CallOptions,
): Promise<VolumeHandle> {
  const { bits, pixels, frames } = annotation;
  requireSameImages(annotation, images, about);
  const place = placing(images, about);
  const parts = frames.flatMap((frame, index): number[] => {
    const { segment } = frame;
    if (segment !== undefined) {
      const label = labels.get(segment);
      return label === undefined ? [] : [index, 1, label, place(frame, index)];
    }
    return bits === 1
      ? []
      : [...labels].flatMap(([value, label]) => [index, value, label, place(frame, index)]);
  });
  return callNative(options, (task) =>
    native.frameLabels(pixels, bits, Int32Array.from(parts), images.grid, task),
  );
}

function mismatch({ path, of }: About, message: string): InputError {
  return new InputError(
    "GEOMETRY_MISMATCH",
    `${path}: ${message} ${of}. Give the scan that it was made of.`,
  );
}

/** @throws InputError unless frames have the images' size and direction. */
function requireSameImages(
  { rows, columns, pixelSpacing, frames }: SegmentationAnnotation,
  { frames: { column, row } }: Images,
  about: About,
): void {
  const [, height, width] = about.scan.shape;
  if (rows !== height || columns !== width) {
    throw mismatch(
      about,
      `its frames have ${columns} × ${rows} pixels, not the ${width} × ${height} of`,
    );
  }
  const [betweenRows, betweenColumns] = pixelSpacing === undefined ? [] : decimals(pixelSpacing);
  for (const orientation of new Set(frames.flatMap((frame) => frame.orientation ?? []))) {
    const cosines = decimals(orientation);
    const off = (axis: Float64Array, from: number, spacing: number | undefined) => {
      const length = Math.hypot(...axis);
      const wanted = (i: number) => (cosines[from + i] as number) * (spacing ?? length);
      return Math.max(...[0, 1, 2].map((i) => Math.abs((axis[i] as number) - wanted(i))));
    };
    // Far corners may lie a twentieth of a voxel apart.
    const most = placeTolerance(about.scan);
    const apart = Math.max(
      off(column, 0, betweenColumns) * width,
      off(row, 3, betweenRows) * height,
    );
    if (!(apart <= most)) {
      throw mismatch(
        about,
        "its frames have another spacing or direction of rows and columns than",
      );
    }
  }
}

/** How the image of a frame is found: by its position, or where it says none, by its reference. */
function placing({ frames: { origins }, count, byReference }: Images, about: About) {
  const tolerance = placeTolerance(about.scan);
  const distance = (position: readonly number[], image: number) =>
    Math.hypot(
      ...[0, 1, 2].map((i) => (position[i] as number) - (origins[3 * image + i] as number)),
    );
  const found = new Map<string, number>();
  const byPosition = (text: string): number => {
    const known = found.get(text);
    if (known !== undefined) return known;
    const position = decimals(text);
    const image = Array.from({ length: count }, (_, i) => i).reduce((best, each) =>
      distance(position, each) < distance(position, best) ? each : best,
    );
    const place = distance(position, image) <= tolerance ? image : -1;
    found.set(text, place);
    return place;
  };
  return ({ position, reference }: AnnotationFrame, index: number): number => {
    const image =
      position === undefined
        ? ((reference && byReference.get(referenceKey(reference))) ?? -1)
        : byPosition(position);
    if (image >= 0) return image;
    throw mismatch(about, `frame ${index + 1} lies on no image of`);
  };
}

function contourLabels(
  { contours, text }: StructureSetAnnotation,
  { frames, grid, byReference }: Images,
  labels: ReadonlyMap<number, number>,
  options: CallOptions,
): Promise<VolumeHandle> {
  const parts = contours.flatMap(({ roi, reference, offset, length }): number[] => {
    const label = labels.get(roi);
    if (label === undefined) return [];
    const image = reference && byReference.get(referenceKey(reference));
    return [offset, length, label, image ?? -1];
  });
  return callNative(options, (task) =>
    native.contourLabels(text, Int32Array.from(parts), frames, grid, task),
  );
}
