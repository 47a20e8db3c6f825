/** Series as people see and choose them. */
import { InputError } from "../../base/errors.js";
import { type Candidate, selectorOf } from "./candidates.js";
import { commonStep, normalOf, stepsAlong } from "./geometry.js";

/** One series, or a part of one, that can be read as a volume. */
export interface SeriesInfo {
  /** SeriesInstanceUID, followed by `#n` where the series holds several volumes: what `series` chooses it by. */
  uid: string;
  /** SeriesNumber, SeriesDescription; "" where they are missing. */
  number: string;
  description: string;
  modality: string;
  images: number;
  /** Voxels along (z, y, x). */
  shape: [number, number, number];
  /** mm, (z, y, x); along z the most frequent distance of neighboring images. */
  spacing: [number, number, number];
  /** The attribute that sets it apart from other volumes of its series, with its value; "" for none. */
  phase: string;
}

export function describe(candidate: Candidate): SeriesInfo {
  const { slices, phase = "" } = candidate;
  const [first] = slices as [Candidate["slices"][number]];
  const { image, plane } = first;
  const positions = slices.map((slice) => slice.plane.position);
  return {
    uid: selectorOf(candidate),
    number: image.seriesNumber ?? "",
    description: image.description ?? "",
    modality: image.modality,
    images: slices.length,
    shape: [slices.length, image.rows, image.columns],
    spacing: [
      Math.abs(commonStep(stepsAlong(positions, normalOf(plane)))),
      plane.spacing[0],
      plane.spacing[1],
    ],
    phase,
  };
}

/** A series as one line, with what chooses it at the end. */
export function seriesLine(info: SeriesInfo): string {
  const { number, description, images, shape, spacing, phase, uid } = info;
  const [z, y, x] = spacing.map((each) => Number(each.toFixed(3)));
  const parts = [
    number === "" ? "series without a number" : `series ${oneLine(number)}`,
    ...(description === "" ? [] : [`"${oneLine(description)}"`]),
    `${images} images of ${shape[1]} × ${shape[2]}`,
    `${x} × ${y} × ${z} mm`,
    ...(phase === "" ? [] : [phase]),
  ];
  return `  ${parts.join(", ")}\n    ${uid}`;
}

/** Text from a file without line breaks and control characters, which could forge a message. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").slice(0, 64);
}

/**
 * The candidate that `wanted` names: a SeriesInstanceUID, a SeriesNumber or a SeriesDescription (case does not matter), each with
 * `#n` where a series holds several volumes.
 * @throws InputError `BAD_VOLUME` listing the candidates if it names none, or several.
 */
export function chooseSeries(
  input: string,
  candidates: readonly Candidate[],
  wanted: string | undefined,
): Candidate {
  const infos = candidates.map(describe);
  const found = candidates.filter(
    (_, i) => wanted === undefined || isNamed(infos[i] as SeriesInfo, wanted),
  );
  const [only, another] = found;
  if (only && !another) return only;
  const list = infos.map(seriesLine).join("\n");
  if (wanted === undefined) {
    throw new InputError(
      "BAD_VOLUME",
      `${input}: holds ${candidates.length} series that can be read. Choose one with --series (option series): its UID, number or ` +
        `description, with #n where that is not one alone.\n${list}`,
    );
  }
  const which = another ? "several" : "none";
  throw new InputError("BAD_VOLUME", `${input}: --series names ${which} of its series:\n${list}`);
}

function isNamed({ uid, number, description }: SeriesInfo, wanted: string): boolean {
  const [, part] = uid.split("#");
  const names = [uid.replace(/#\d+$/, ""), number, description.trim()].filter(
    (name) => name !== "",
  );
  const same = (text: string) => text.toLowerCase() === wanted.trim().toLowerCase();
  return names.some((name) => same(name) || (part !== undefined && same(`${name}#${part}`)));
}
