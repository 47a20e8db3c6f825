/** All that lies in the inputs: images, and what is left out. */
import { dirname } from "node:path";
import { AbortedError, InputError } from "../../base/errors.js";
import { inParallel } from "../../base/parallel.js";
import type { FileRef } from "../files/file-ref.js";
import { listFiles } from "../files/inputs.js";
import { ctClasses } from "../uids.js";
import type { WorkerPool } from "../workers/pool.js";
import { type Candidate, findCandidates, type Remainder } from "./candidates.js";
import type { FileFacts, ImageFacts } from "./image.js";

/** Kinds of images that a scan may be made of. */
export type Modality = "ct" | "any";

/** An object of another kind than images of the scan's modality. */
export interface OtherObject {
  what: string;
  modality: string;
  seriesUid: string;
}

export interface Survey {
  /** The inputs, as messages name them. */
  name: string;
  files: number;
  candidates: Candidate[];
  /** Images that make no candidate. */
  rest: Remainder[];
  others: OtherObject[];
  /** Files with the SOP Instance UID of an image that is in a candidate. */
  copies: [first: ImageFacts, copy: ImageFacts][];
}

export interface SurveyOptions {
  modality?: Modality;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** Files that a worker looks into at a time. */
const batch = 16;

/** @throws InputError `BAD_VOLUME`, `NOT_HU`, `FILE_NOT_FOUND`, `READ_FAILED`; AbortedError. */
export async function survey(
  inputs: readonly string[],
  pool: WorkerPool,
  options: SurveyOptions,
): Promise<Survey> {
  const name =
    inputs.length === 1 ? (inputs[0] as string) : `${inputs[0]} and ${inputs.length - 1} more`;
  const { files, facts } = await inspectAll(inputs, pool, options);
  const others: OtherObject[] = [];
  const images: ImageFacts[] = [];
  for (const [i, each] of facts.entries()) {
    if (each.kind === "bad") {
      throw new InputError(
        "BAD_VOLUME",
        `${files[i]?.name}: ${each.reason}. Copy it again from where it came from, or leave it out.`,
      );
    }
    if (each.kind === "object") others.push(each);
    if (each.kind === "image") images.push(each.image);
  }
  const isWanted = ({ sopClassUid, modality }: ImageFacts) =>
    options.modality === "any" ||
    ctClasses.has(sopClassUid) ||
    (sopClassUid === "" && modality === "CT");
  for (const image of images) {
    if (isWanted(image)) continue;
    others.push({
      what: `${image.modality || "other"} image`,
      modality: image.modality,
      seriesUid: image.seriesUid,
    });
  }
  const wanted = images.filter(isWanted);
  if (wanted.length === 0) throw withoutImages(name, files.length, others);
  const { first, copies } = withoutCopies(wanted);
  return { name, files: files.length, ...findCandidates(first), others, copies };
}

async function inspectAll(
  inputs: readonly string[],
  pool: WorkerPool,
  { signal, onProgress }: SurveyOptions,
): Promise<{ files: FileRef[]; facts: FileFacts[] }> {
  const files = await listFiles(inputs, signal);
  if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
  const facts: FileFacts[] = new Array(files.length);
  const batches = Array.from({ length: Math.ceil(files.length / batch) }, (_, i) => i * batch);
  let done = 0;
  await inParallel(pool.size, batches, async (start) => {
    const some = files.slice(start, start + batch);
    for (const [i, each] of (await pool.run({ kind: "inspect", files: some })).entries()) {
      facts[start + i] = each;
    }
    done += some.length;
    onProgress?.(done, files.length);
  });
  // A DICOMDIR under another name: it stands for its folder, too.
  const [only] = facts;
  if (inputs.length === 1 && facts.length === 1 && only?.kind === "directory") {
    const folder = dirname(inputs[0] as string);
    return inspectAll([folder], pool, { signal, onProgress });
  }
  return { files, facts };
}

function withoutImages(name: string, files: number, others: readonly OtherObject[]): InputError {
  if (others.length === 0) {
    return new InputError(
      "BAD_VOLUME",
      `${name}: none of its ${files} files is DICOM, or another volume that can be read. Give the folder of a series.`,
    );
  }
  const modalities = [...new Set(others.map(({ modality }) => modality || "without one"))].sort();
  return new InputError(
    "NOT_HU",
    `${name}: holds no CT image, but ${countKinds(others)} (Modality ${modalities.join(", ")}). --modality any takes MR and PT, whose values are not HU.`,
  );
}

/** As "1 localizer, 3 segmentations". */
export function countKinds(others: readonly { what: string }[]): string {
  const counts = new Map<string, number>();
  for (const { what } of others) counts.set(what, (counts.get(what) ?? 0) + 1);
  return [...counts].map(([what, n]) => `${n} ${n === 1 ? what : plural(what)}`).join(", ");
}

/** As "images without a place": the noun is "image" where it is not at the end. */
function plural(what: string): string {
  return what.includes("image ") ? what.replace("image", "images") : `${what}s`;
}

function withoutCopies(images: readonly ImageFacts[]) {
  const known = new Map<string, ImageFacts>();
  const copies: [ImageFacts, ImageFacts][] = [];
  const first: ImageFacts[] = [];
  for (const image of images) {
    const other = image.sopInstanceUid === "" ? undefined : known.get(image.sopInstanceUid);
    if (other) {
      copies.push([other, image]);
    } else {
      known.set(image.sopInstanceUid, image);
      first.push(image);
    }
  }
  return { first, copies };
}
