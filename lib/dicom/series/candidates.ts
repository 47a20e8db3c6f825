/** From the images of a folder to its series: what can be read as one volume. */
import { InputError } from "../../base/errors.js";
import { parseDecimals } from "../elements.js";
import { dot, length, minus, normalOf, type SlicePlane, type Vector } from "./geometry.js";
import { type FrameFacts, type ImageFacts, phaseAttributes } from "./image.js";

/** One slice, with its image. */
export interface Slice {
  image: ImageFacts;
  frame: FrameFacts;
  plane: SlicePlane;
}

/** Slices that may make a volume. */
export interface Candidate {
  seriesUid: string;
  /** Number among the candidates of its series, from 1; missing where it is the only one. */
  part?: number;
  /** The attribute that sets it apart from other phases of its series, and its value. */
  phase?: string;
  /** In the order of their place along the normal. */
  slices: Slice[];
  /** The fault that keeps it from being read. */
  fault?: InputError;
}

/** Images that make no candidate. */
export interface Remainder {
  seriesUid: string;
  images: number;
  /** A "repeated image" is one of several at one place, as those that watch a contrast agent arrive. */
  why: "lone image" | "repeated image" | "image without a place";
}

/** Slices of the same plane: cosines that differ by less than 0.1°. */
const sameDirection = 0.1 * (Math.PI / 180);
const unitTolerance = 1e-3;

/** Every candidate, by series in the order of the files. */
export function findCandidates(images: readonly ImageFacts[]): {
  candidates: Candidate[];
  rest: Remainder[];
} {
  const candidates: Candidate[] = [];
  const rest: Remainder[] = [];
  for (const [seriesUid, members] of groupBy(images, ({ seriesUid }) => seriesUid)) {
    const { slices, misplaced } = placedSlices(members);
    if (slices.length === 0) {
      rest.push({ seriesUid, images: members.length, why: "image without a place" });
      continue;
    }
    const groups = [...groupByPlane(slices)].sort((a, b) => b.length - a.length);
    const found: Candidate[] = [];
    for (const group of groups) {
      const distinct = sortAlongNormal(group);
      if (group.length < 2 || distinct < 2) {
        const why = group.length < 2 ? "lone image" : "repeated image";
        rest.push({ seriesUid, images: group.length, why });
        continue;
      }
      found.push(...splitPhases(group, distinct).map((part) => ({ seriesUid, ...part })));
    }
    // It might belong to any of them: without it there may be a hole.
    for (const each of found) if (misplaced) each.fault ??= misplaced;
    if (found.length > 1) for (const [i, each] of found.entries()) each.part = i + 1;
    candidates.push(...found);
  }
  for (const candidate of candidates) candidate.fault ??= disagreement(candidate.slices);
  return { candidates, rest };
}

function groupBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** The slices that have a place, and the error of the first that has none. */
function placedSlices(images: readonly ImageFacts[]): { slices: Slice[]; misplaced?: InputError } {
  const slices: Slice[] = [];
  let misplaced: InputError | undefined;
  for (const image of images) {
    if (image.frames.length === 0) {
      misplaced ??= new InputError("BAD_VOLUME", `${image.file.name}: ${image.fault}.`);
    }
    for (const frame of image.frames) {
      const plane = planeOf(image, frame);
      if (plane instanceof InputError) misplaced ??= plane;
      else slices.push({ image, frame, plane });
    }
  }
  return { slices, ...(misplaced && { misplaced }) };
}

/** The plane of a frame, or the error for a position, an orientation or a spacing that is none. */
function planeOf(image: ImageFacts, frame: FrameFacts): SlicePlane | InputError {
  const [position, orientation, spacing] = [frame.position, frame.orientation, frame.spacing].map(
    parseDecimals,
  ) as [number[], number[], number[]];
  const bad = (attribute: string, text: string, want: string) => {
    const value = text === "" ? "is missing" : `is "${text.slice(0, 100)}", not ${want}`;
    return new InputError(
      "BAD_VOLUME",
      `${sliceName({ image, frame })}: its ${attribute} ${value}. Correct the header, or leave the file out.`,
    );
  };
  if (position.length !== 3 || !position.every(Number.isFinite)) {
    return bad("ImagePositionPatient", frame.position, "three numbers of mm");
  }
  const row = orientation.slice(0, 3) as unknown as Vector;
  const column = orientation.slice(3) as unknown as Vector;
  const areUnit =
    orientation.length === 6 &&
    Math.abs(length(row) - 1) <= unitTolerance &&
    Math.abs(length(column) - 1) <= unitTolerance &&
    Math.abs(dot(row, column)) <= unitTolerance;
  if (!areUnit) {
    return bad("ImageOrientationPatient", frame.orientation, "two unit vectors at right angles");
  }
  if (spacing.length !== 2 || !spacing.every((each) => each > 0 && Number.isFinite(each))) {
    return bad("PixelSpacing", frame.spacing, "two distances above 0");
  }
  return {
    position: position as unknown as Vector,
    row,
    column,
    spacing: spacing as [number, number],
  };
}

/** The slice as messages name it: its file, and its frame if it has several. */
export function sliceName({ image, frame }: Pick<Slice, "image" | "frame">): string {
  return frame.number === undefined ? image.file.name : `${image.file.name}, frame ${frame.number}`;
}

function groupByPlane(slices: readonly Slice[]): Slice[][] {
  const groups: Slice[][] = [];
  for (const slice of slices) {
    const group = groups.find(
      ([first]) => first && first.frame.stack === slice.frame.stack && isParallel(first, slice),
    );
    if (group) group.push(slice);
    else groups.push([slice]);
  }
  return groups;
}

function isParallel(a: Slice, b: Slice): boolean {
  return (
    length(minus(a.plane.row, b.plane.row)) < sameDirection &&
    length(minus(a.plane.column, b.plane.column)) < sameDirection
  );
}

/** A hundredth of a millimeter: nearer slices lie at one place. */
const samePlace = 0.01;

function placeOf({ plane }: Slice, normal: Vector): number {
  return dot(plane.position, normal);
}

/** Sorts in place; returns how many places there are. */
function sortAlongNormal(slices: Slice[]): number {
  const normal = normalOf((slices[0] as Slice).plane);
  slices.sort((a, b) => placeOf(a, normal) - placeOf(b, normal));
  return distinctPlaces(slices, normal).length;
}

function distinctPlaces(sorted: readonly Slice[], normal: Vector): number[] {
  const places: number[] = [];
  for (const slice of sorted) {
    const place = placeOf(slice, normal);
    const last = places.at(-1);
    if (last === undefined || place - last > samePlace) places.push(place);
  }
  return places;
}

/** Parts of a sorted group that repeats positions: its phases, or the group with its fault. */
function splitPhases(
  group: Slice[],
  distinct: number,
): Pick<Candidate, "slices" | "phase" | "fault">[] {
  if (distinct === group.length) return [{ slices: group }];
  const normal = normalOf((group[0] as Slice).plane);
  for (const [i, attribute] of phaseAttributes.entries()) {
    const parts = [...groupBy(group, ({ frame }) => frame.phases[i] ?? "")];
    const whole = parts.every(
      ([value, part]) =>
        value !== "" &&
        part.length === distinct &&
        distinctPlaces(part, normal).length === distinct,
    );
    if (parts.length < 2 || !whole) continue;
    return parts
      .sort(([a], [b]) => compareValues(a, b))
      .map(([value, slices]) => ({ slices, phase: `${attribute} ${value}` }));
  }
  return [{ slices: group, fault: atOnePlace(group, normal) }];
}

function compareValues(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : 1);
}

function atOnePlace(sorted: readonly Slice[], normal: Vector): InputError {
  const second = sorted.findIndex(
    (slice, i) =>
      i > 0 && placeOf(slice, normal) - placeOf(sorted[i - 1] as Slice, normal) <= samePlace,
  );
  const [a, b] = [sorted[second - 1] as Slice, sorted[second] as Slice];
  return new InputError(
    "BAD_VOLUME",
    `${sliceName(a)} and ${sliceName(b)} are different images of one place, and nothing tells the series' phases apart. ` +
      "Give a folder without the images of one.",
  );
}

/** The error of the first slice that differs from the others in what a volume has once. */
function disagreement(slices: readonly Slice[]): InputError | undefined {
  const facts: readonly (readonly [string, (slice: Slice) => string])[] = [
    ["Rows", ({ image }) => String(image.rows)],
    ["Columns", ({ image }) => String(image.columns)],
    ["PixelRepresentation", ({ image }) => (image.signed ? "1" : "0")],
  ];
  for (const [attribute, value] of facts) {
    const values = groupBy(slices, value);
    if (values.size < 2) continue;
    const [[usual] = [""], [odd, [slice]] = ["", []]] = [...values].sort(
      ([, a], [, b]) => b.length - a.length,
    );
    if (slice) return oddOne(slice, attribute, odd, usual);
  }
  const median = middleSlice(slices);
  const odd = slices.find(({ plane }) =>
    plane.spacing.some((each, i) => {
      const usual = median.plane.spacing[i] as number;
      return Math.abs(each - usual) > 1e-4 * usual;
    }),
  );
  return odd && oddOne(odd, "PixelSpacing", odd.frame.spacing, median.frame.spacing);
}

function middleSlice(slices: readonly Slice[]): Slice {
  const sorted = [...slices].sort((a, b) => a.plane.spacing[0] - b.plane.spacing[0]);
  return sorted[Math.floor(sorted.length / 2)] as Slice;
}

function oddOne(slice: Slice, attribute: string, value: string, usual: string): InputError {
  return new InputError(
    "BAD_VOLUME",
    `${sliceName(slice)}: its ${attribute} is ${value}, but ${usual} in the other images of its series. Leave the file out.`,
  );
}

/** The text of `--series` that chooses the candidate by its UID. */
export function selectorOf({ seriesUid, part }: Candidate): string {
  return part === undefined ? seriesUid : `${seriesUid}#${part}`;
}
