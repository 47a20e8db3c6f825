/** The place of a volume made of a series' slices, or why it has none. */
import { basename } from "node:path";
import { InputError } from "../../base/errors.js";
import { type Candidate, type Slice, sliceName } from "./candidates.js";
import {
  affineOf,
  dot,
  type Gap,
  length,
  minus,
  normalOf,
  type Spacing,
  scaled,
  spacingOf,
  tiltOf,
  type Vector,
} from "./geometry.js";
import { planResampling, type Resampling } from "./resampling.js";

export interface Placement {
  /** Voxels along (z, y, x). */
  shape: [number, number, number];
  /** Row-major 4×4, voxel (x, y, z, 1) → RAS mm. */
  affine: number[];
  /** Degrees between the normal and the way from slice to slice. */
  tilt: number;
  /** Distance of neighboring slices along the normal, mm. */
  sliceSpacing: number;
  /** Set where the slices are not the acquired ones. */
  resampling?: Resampling;
}

/** @throws InputError `BAD_VOLUME` for slices that are unevenly spaced, unless they may be resampled. */
export function placeSlices(name: string, { slices }: Candidate, resample: boolean): Placement {
  const [first] = slices as [Slice];
  const positions = slices.map(({ plane }) => plane.position);
  const normal = normalOf(first.plane);
  const spacing = spacingOf(positions, normal);
  if (spacing.kind === "astray" || (spacing.kind !== "even" && !resample)) {
    throw unevenSlices(name, slices, spacing);
  }
  const resampling = spacing.kind === "even" ? undefined : planResampling(positions, normal);
  const whole = minus(positions.at(-1) as Vector, first.plane.position);
  const step = resampling?.step ?? scaled(whole, 1 / (slices.length - 1));
  return {
    shape: [resampling?.lower.length ?? slices.length, first.image.rows, first.image.columns],
    affine: affineOf(first.plane, step),
    tilt: tiltOf(normal, step),
    sliceSpacing: Math.abs(dot(normal, step)) / length(normal),
    ...(resampling && { resampling }),
  };
}

const wayOut = "--resample-slices (option resampleSlices) to interpolate between them.";

function unevenSlices(name: string, slices: readonly Slice[], spacing: Spacing): InputError {
  return new InputError("BAD_VOLUME", `${name}: ${explain(slices, spacing)}`);
}

/** Places that a message names before it only counts them. */
const mostNamed = 3;

function explain(slices: readonly Slice[], spacing: Spacing): string {
  const place = ({ after, distance }: Gap) =>
    `${shortName(slices[after])} and ${shortName(slices[after + 1])}, ${mm(distance)} apart`;
  const some = (gaps: readonly Gap[], say: (gap: Gap) => string) => {
    const more = gaps.length - mostNamed;
    const rest = more > 0 ? [`and in ${more} more ${more === 1 ? "place" : "places"}`] : [];
    return [...gaps.slice(0, mostNamed).map(say), ...rest].join("; ");
  };
  switch (spacing.kind) {
    case "missing":
      return (
        `missing slices: ${some(spacing.gaps, (gap) => `${gap.missing} between ${place(gap)}`)}. The others are ` +
        `${mm(spacing.step)} apart. Find the missing files, or give ${wayOut}`
      );
    case "uneven":
      return (
        `its slices are unevenly spaced: ${mm(spacing.step)} apart for the most part, but this changes at ` +
        `${some(spacing.changes, place)}. Give ${wayOut}`
      );
    case "astray":
      return (
        `${shortName(slices[spacing.index])} lies ${mm(spacing.off)} off the line of the other slices: ` +
        "they are no volume. Give a folder with the images of one."
      );
    default:
      return "its slices are even.";
  }
}

/** The slice without its folder, which the message has. */
function shortName(slice: Slice | undefined): string {
  return slice ? basename(sliceName(slice)) : "";
}

function mm(distance: number): string {
  return `${Number(distance.toFixed(2))} mm`;
}
