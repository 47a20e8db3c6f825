/** Files of one case: predictions and truths in lists and folders, matched by name. */
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { aPath, checkArguments } from "../base/arguments.js";
import { InputError, UsageError } from "../base/errors.js";
import { boxesFile } from "../formats/boxes.js";
import { isPathList, readPathList } from "../formats/lists.js";
import { dicomFiles } from "../formats/mask-formats.js";
import { imageStem, isLabelStem, isScan, stemOf } from "../formats/scan-names.js";
import { isFolder, list, masksFolder } from "./case-files.js";

/** A label map, boxes' JSON, or a case's folder; what `evaluate` takes. */
export interface CaseSource {
  name: string;
  path: string;
}

/** The cases in a path. */
export interface FoundCases {
  cases: CaseSource[];
  /** A folder of NIfTI files may also be one case with a mask per organ: only the other side's names tell. */
  orOne?: CaseSource;
}

const caseSource = z.object({ name: z.string(), path: z.string() });
const foundCases = z.array(
  z.object(
    { cases: z.array(caseSource), orOne: caseSource.optional() },
    "must be what findCases gives",
  ),
);

export interface MatchedCases {
  /** `image`: the scan's path, if it was among those that were given. */
  pairs: { name: string; prediction: CaseSource; truth: CaseSource; image?: string }[];
  /** Names of those without a partner. */
  unmatched: { predictions: string[]; truths: string[] };
}

/**
 * Finds the cases in files, lists (`.txt`, one path a line) and folders: of label maps, of boxes' JSON, of a folder
 * for each case, or of one case.
 * @throws InputError for a path that is not there or holds no case.
 */
export async function findCases(paths: readonly string[]): Promise<FoundCases[]> {
  checkArguments("findCases", { paths: [paths, z.array(aPath)] });
  const found: FoundCases[] = [];
  for (const path of paths) {
    if (isPathList(path) && !(await isFolder(path))) {
      for (const line of await readPathList(path)) found.push(await casesIn(line));
    } else {
      found.push(await casesIn(path));
    }
  }
  return found;
}

async function casesIn(path: string): Promise<FoundCases> {
  if (!(await isFolder(path))) return { cases: [{ name: fileName(path), path }] };
  const names = await list(path);
  const nifti = names.filter(isScan);
  const one = { name: folderName(path), path };
  if (names.includes(boxesFile) || names.includes(masksFolder)) return { cases: [one] };
  if (basename(resolve(path)) === masksFolder && nifti.length > 0) return { cases: [one] };
  const folders: CaseSource[] = [];
  for (const name of names) {
    const inside = join(path, name);
    if (await isCaseFolder(inside)) folders.push({ name, path: inside });
  }
  if (folders.length > 0) return { cases: folders };
  const asCase = (name: string) => ({ name: stemOf(name), path: join(path, name) });
  if (nifti.length > 0) return { cases: nifti.map(asCase), orOne: one };
  const boxes = names.filter((name) => /\.json$/i.test(name) && !/\.mrk\.json$/i.test(name));
  if (boxes.length > 0) return { cases: boxes.map(asCase) };
  throw new InputError(
    "FILE_NOT_FOUND",
    `${path}: holds no case. Give label maps, boxes' JSON, or a folder of them or of a folder for each case.`,
  );
}

async function isCaseFolder(path: string): Promise<boolean> {
  if (!(await isFolder(path))) return false;
  return (await list(path)).some(
    (name) => isScan(name) || name === boxesFile || name === masksFolder,
  );
}

/** `CASE/boxes.json`, `CASE/segmentation.nii.gz` and the DICOM files beside them are of CASE. */
function fileName(path: string): string {
  const name = stemOf(path);
  const isOfFolder =
    name === "boxes" ||
    name === "segmentation" ||
    (Object.values(dicomFiles) as string[]).includes(basename(path));
  return isOfFolder ? folderName(dirname(path)) : name;
}

function folderName(path: string): string {
  const whole = resolve(path);
  return basename(basename(whole) === masksFolder ? dirname(whole) : whole);
}

/** Name that a case is matched by: not nnU-Net's channel of an image, not the ending of a label map. */
export function caseKey(name: string): string {
  return imageStem(name.replace(/_0000$/, ""));
}

/**
 * Brings together predictions and truths of the same name; one of each belong together whatever they are called.
 * @param images paths of the scans, which are matched by name as well, see {@link EvaluateOptions.image}.
 * @throws UsageError if none match, or two of a side have one name.
 */
export function matchCases(
  predictions: readonly FoundCases[],
  truths: readonly FoundCases[],
  images: readonly string[] = [],
): MatchedCases {
  const { pairs, unmatched } = matchSides(predictions, truths);
  const byName = new Map(images.map((image) => [caseKey(stemOf(image)), image]));
  const imageOf = ({ name }: MatchedCases["pairs"][number]) =>
    images.length === 1 && pairs.length === 1 ? images[0] : byName.get(caseKey(name));
  const withImages = pairs.map((pair) => {
    const image = imageOf(pair);
    return image === undefined ? pair : { ...pair, image };
  });
  return { pairs: withImages, unmatched };
}

function matchSides(
  predictions: readonly FoundCases[],
  truths: readonly FoundCases[],
): MatchedCases {
  const checked = { predictions: [predictions, foundCases], truths: [truths, foundCases] } as const;
  checkArguments("matchCases", checked);
  const byKey = (found: readonly FoundCases[], other: readonly FoundCases[], side: string) =>
    keyed(
      found.flatMap((each) => reading(each, other)),
      side,
    );
  const predicted = byKey(predictions, truths, "prediction");
  const truth = byKey(truths, predictions, "truth");
  const [onlyPrediction, onlyTruth] = [single(predicted), single(truth)];
  if (onlyPrediction && onlyTruth) {
    const { name } = onlyPrediction;
    const unmatched = { predictions: [], truths: [] };
    return { pairs: [{ name, prediction: onlyPrediction, truth: onlyTruth }], unmatched };
  }
  const pairs = [...predicted].flatMap(([key, prediction]) => {
    const partner = truth.get(key);
    return partner ? [{ name: key, prediction, truth: partner }] : [];
  });
  const without = (side: Map<string, CaseSource>, other: Map<string, CaseSource>) =>
    [...side].filter(([key]) => !other.has(key)).map(([, { name }]) => name);
  const unmatched = { predictions: without(predicted, truth), truths: without(truth, predicted) };
  if (pairs.length === 0) {
    throw new UsageError(
      `No prediction has the name of a truth. Predictions: ${some(unmatched.predictions)}. Truths: ` +
        `${some(unmatched.truths)}. Name them alike (a truth may end in _label or _seg).`,
    );
  }
  return { pairs, unmatched };
}

/**
 * A folder's files are cases where the other side has cases of their names; they are one case's organs where it has a
 * case of the folder's name, or a single case for the several files.
 */
function reading({ cases, orOne }: FoundCases, other: readonly FoundCases[]): CaseSource[] {
  if (!orOne) return cases;
  const others = other.flatMap((each) => each.cases);
  const keys = new Set(others.map(({ name }) => caseKey(name)));
  if (cases.some(({ name }) => keys.has(caseKey(name)))) return cases;
  const fits = keys.has(caseKey(orOne.name)) || (others.length === 1 && cases.length > 1);
  return fits ? [orOne] : cases;
}

function keyed(cases: readonly CaseSource[], side: string): Map<string, CaseSource> {
  const byKey = new Map<string, CaseSource>();
  for (const each of cases) {
    const key = caseKey(each.name);
    const other = byKey.get(key);
    // A folder may hold the images next to their label maps.
    const isLabel = isLabelStem(each.name);
    if (other !== undefined && isLabel === isLabelStem(other.name)) {
      throw new UsageError(
        `${other.path} and ${each.path} are both the ${side} of case ${key}. Keep one of them.`,
      );
    }
    if (other === undefined || isLabel) byKey.set(key, each);
  }
  return byKey;
}

function single(cases: Map<string, CaseSource>): CaseSource | undefined {
  return cases.size === 1 ? [...cases.values()][0] : undefined;
}

function some(names: string[]): string {
  const most = 5;
  return names.slice(0, most).join(", ") + (names.length > most ? ", …" : "");
}
