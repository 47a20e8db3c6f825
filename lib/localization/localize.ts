import { callNative, type Progress, type ProgressPhase } from "../addon/call.js";
import type { SearchResult } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { UsageError } from "../base/errors.js";
import { physicalBox, type Triple, unionBox } from "../geometry/box.js";
import { type Volume, withVolume } from "../volumes/volume.js";
import { keepCutWalls, marginInScan, storedBox } from "./boxes.js";
import { Grid, type GridOptions } from "./grid.js";
import type { MedLam } from "./medlam.js";
import { placePoints } from "./place.js";
import type { Localization, OrganLocalization, Scale } from "./result.js";
import { pointsPerPart, type TemplateOrgan, type Templates } from "./templates.js";

/** Options of {@link localize}. */
export interface LocalizeOptions extends GridOptions {
  medlam: MedLam;
  templates: Templates;
  /** Scales of the similarity search; all three by default, none for positions from the coordinate system alone. */
  scales?: readonly Scale[];
  /** Whole points [z, y, x] of the padded grid to look at the scan from; drawn by `seed` (0 by default) if not given. */
  queryCenters?: readonly Triple[];
  seed?: number;
  /**
   * Also looks at patches all over the scan, half a patch apart, and places each point anew from those near it; a wall
   * that this places outside the scan ends at its edge, and the search prefers what is near. Not in the published
   * method; closer, for the encoder's time on some hundred patches, and closer still with templates whose supports were
   * surveyed. false by default.
   */
  survey?: boolean;
  /** Names of the organs to localize; all by default. */
  organs?: readonly string[];
  /**
   * Organs that score lower are called absent. By default four fifths of what the supports score among each other,
   * where there are two or more. A rule of thumb: set your own from scans where you know the answer.
   */
  minScore?: number;
  /**
   * This scan's grid, if it was made ahead; it stays open, and keeps its survey for other templates. It must have been made
   * with the same conventions.
   */
  grid?: Grid;
  onProgress?: (progress: Progress) => void;
}

/**
 * An organ that scores less than this part of what its supports score among each other is called absent. On phantoms (seeds
 * 40001 to 40008) nothing that was there scored below 0.82 of it, and a half let a quarter of what was not there pass.
 */
const leastOfAgreement = 0.8;

/** A chosen organ and the template points that stand for it. */
interface Wanted {
  organ: TemplateOrgan;
  indices: number[];
}

/**
 * Finds the templates' organs in a scan (algorithm.md part 5). Holds the scan, its 3 mm grid and one patch's features;
 * several calls may run at once and share `medlam` and `templates`.
 * @throws InputError for an unusable image or templates of another network; UsageError; AbortedError.
 */
export async function localize(
  image: string | Volume,
  options: LocalizeOptions,
): Promise<Localization> {
  const { templates, medlam, conventions = "exact" } = options;
  templates.requireNetwork(medlam);
  if (options.grid && options.grid.conventions !== conventions) {
    throw new UsageError(
      `The grid was made with ${options.grid.conventions} conventions, to be localized with ${conventions} ones.`,
    );
  }
  const wanted = chooseOrgans(templates, options.organs);
  const indices = Int32Array.from(wanted.flatMap((each) => each.indices));
  const scales = chooseScales(options.scales);
  const started = performance.now();
  const begin = (phase: ProgressPhase) => options.onProgress?.({ phase, done: 0, total: 1 });

  if (typeof image === "string") begin("read");
  return withVolume(image, options, async (volume) => {
    const read = seconds(started);
    if (!options.grid) begin("grid");
    const gridStarted = performance.now();
    const grid = options.grid ?? (await Grid.make(volume, options));
    const gridTime = seconds(gridStarted);
    try {
      const queryStarted = performance.now();
      const { points: starts, patches } = await placePoints(grid, indices, options);
      const queryTime = seconds(queryStarted);
      const found = await searchPoints(grid, starts, indices, scales, options);
      return {
        version: 1,
        ...(medlam.note !== "" && { note: medlam.note }),
        image: volume.path,
        shape: volume.shape,
        conventions,
        scales,
        ...(options.survey && { survey: true }),
        organs: describeOrgans(wanted, starts, found, scales, grid, volume, options),
        timing: {
          read,
          grid: gridTime,
          network: queryTime + (found?.networkSeconds ?? 0),
          similarity: found?.similaritySeconds ?? 0,
          total: seconds(started),
          patches: patches + (found?.patches ?? 0),
        },
      };
    } finally {
      if (grid !== options.grid) grid.close();
    }
  });
}

function chooseOrgans(templates: Templates, names: readonly string[] | undefined): Wanted[] {
  const unknown = names?.find((name) => !templates.organs.some((organ) => organ.name === name));
  if (unknown !== undefined) {
    const known = templates.organs.map(({ name }) => name).join(", ");
    throw new UsageError(`The templates have no organ "${unknown}". They have: ${known}.`);
  }
  const firsts = templates.firstPoints();
  return templates.organs.flatMap((organ, i) => {
    if (names && !names.includes(organ.name)) return [];
    const indices = Array.from(
      { length: organ.parts * pointsPerPart },
      (_, p) => (firsts[i] as number) + p,
    );
    return [{ organ, indices }];
  });
}

function chooseScales(scales: readonly Scale[] = [0, 1, 2]): Scale[] {
  if (!scales.every((scale) => [0, 1, 2].includes(scale))) {
    throw new UsageError(`Scales are 0, 1 and 2; [${scales}] holds another.`);
  }
  return [...new Set(scales)].sort();
}

/** Part 5.3, or nothing without scales. */
async function searchPoints(
  grid: Grid,
  starts: Int32Array,
  indices: Int32Array,
  scales: Scale[],
  options: LocalizeOptions,
): Promise<SearchResult | undefined> {
  if (scales.length === 0) return undefined;
  const { medlam, templates, survey = false, onProgress } = options;
  return callNative(
    options,
    (task) =>
      native.search(
        ...([medlam.handle, grid.handle, templates.handle] as const),
        ...([starts, indices, scales, survey, task] as const),
      ),
    (done, total) => onProgress?.({ phase: "search", done, total }),
  );
}

function describeOrgans(
  wanted: readonly Wanted[],
  starts: Int32Array,
  found: SearchResult | undefined,
  scales: readonly Scale[],
  grid: Grid,
  volume: Volume,
  { templates, conventions = "exact", minScore, survey }: LocalizeOptions,
): Record<string, OrganLocalization> {
  const range = (points: Int32Array, from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => {
      const first = 3 * (from + i);
      return Array.from(points.subarray(first, first + 3)) as Triple;
    });
  let next = 0;
  return Object.fromEntries(
    wanted.map(({ organ, indices }) => {
      const first = next;
      next += indices.length;
      const placed = range(starts, first, next);
      const searched = range(found?.points ?? starts, first, next);
      const points = survey ? keepCutWalls(searched, placed, grid) : searched;
      const parts = Array.from({ length: organ.parts }, (_, part) =>
        storedBox(
          points.slice(pointsPerPart * part, pointsPerPart * (part + 1)),
          grid,
          volume.shape,
          conventions,
        ),
      );
      const box = unionBox(parts);
      const score = found ? meanCosine(found, first, indices, templates, scales.length) : null;
      const threshold =
        minScore ??
        (organ.agreement === null ? Number.NEGATIVE_INFINITY : leastOfAgreement * organ.agreement);
      const margin = marginInScan(placed, grid);
      const localization: OrganLocalization = {
        label: organ.label,
        present: margin >= 0 && (score === null || score >= threshold),
        score,
        margin,
        box,
        parts,
        physicalBox: physicalBox(box, volume.affine),
      };
      return [organ.name, localization];
    }),
  );
}

/** Mean over the points of (peak − 1) / (scales · supports): each scale adds the sum over supports of a mean cosine. */
function meanCosine(
  found: SearchResult,
  first: number,
  indices: readonly number[],
  templates: Templates,
  scales: number,
): number {
  const cosine = (index: number, i: number) =>
    ((found.peaks[first + i] as number) - 1) /
    (scales * (templates.supportsOfPoint[index] as number));
  return indices.reduce((sum, index, i) => sum + cosine(index, i), 0) / indices.length;
}

function seconds(since: number): number {
  return (performance.now() - since) / 1000;
}
