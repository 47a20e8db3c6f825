import { z } from "zod";
import { callNative, type Progress, type ProgressPhase } from "../addon/call.js";
import type { FoundOrgan, WantedOrgan } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import {
  aFunction,
  checkArguments,
  instanceOf,
  optionsOf,
  wholeNumber,
} from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import { maxSeed } from "../base/seed.js";
import { secondsSince } from "../base/time.js";
import { joinNotes } from "../checkpoints/notes.js";
import { physicalBox, type Triple } from "../geometry/box.js";
import type { ReadOptions } from "../volumes/read.js";
import { type Volume, volumeSource, withVolume } from "../volumes/volume.js";
import { Grid, type GridOptions, gridOptionsShape } from "./grid.js";
import { aLattice, type Lattice } from "./lattice.js";
import { aMedLam, type MedLam } from "./medlam.js";
import type { Localization, OrganLocalization, Scale } from "./result.js";
import { pointsPerPart, someTemplates, type TemplateOrgan, type Templates } from "./templates.js";

/** Options of {@link localize}. */
export interface LocalizeOptions extends GridOptions, ReadOptions {
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
  /**
   * Spacing in voxels (of 3 mm) of a lattice to which the centers of search patches are moved, so that points near each
   * other share one run of the network. Of 22 organs in parts, 8 leaves half of the patches, 16 a fifth; a point may then be searched
   * in a window that is off its place by half the spacing. Not in the published method; 0, no lattice, by default.
   */
  lattice?: Lattice;
  /** Names of the organs to localize; all by default. */
  organs?: readonly string[];
  /**
   * Organs that score lower are called absent. By default the templates' `minEvidence` decides, and without one four fifths of
   * what the supports score among each other, where there are two or more. A rule of thumb: set your own from scans where you
   * know the answer.
   */
  minScore?: number;
  /**
   * This scan's grid, if it was made ahead; it stays open, and keeps its survey for other templates. It must have been made
   * with the same conventions.
   */
  grid?: Grid;
  onProgress?: (progress: Progress) => void;
}

const localizeOptions = optionsOf({
  ...gridOptionsShape,
  medlam: aMedLam,
  templates: someTemplates,
  scales: z.array(z.number()).optional(),
  queryCenters: z.array(z.array(z.number())).optional(),
  seed: wholeNumber(0, maxSeed).optional(),
  survey: z.boolean().optional(),
  lattice: aLattice.optional(),
  organs: z.array(z.string()).optional(),
  minScore: z.number().optional(),
  grid: instanceOf(Grid, "Grid.make").optional(),
  onProgress: aFunction.optional(),
});

/**
 * Finds the templates' organs in a scan (algorithm.md part 5). Holds the scan, its 3 mm grid and one patch's features;
 * several calls may run at once and share `medlam` and `templates`.
 * @throws InputError for an unusable image or templates of another network; UsageError; AbortedError.
 */
export async function localize(
  image: string | Volume,
  options: LocalizeOptions,
): Promise<Localization> {
  checkArguments("localize", { image: [image, volumeSource], options: [options, localizeOptions] });
  const { templates, medlam, conventions = "exact" } = options;
  templates.requireNetwork(medlam);
  if (options.grid && options.grid.conventions !== conventions) {
    throw new UsageError(
      `The grid was made with ${options.grid.conventions} conventions, to be localized with ${conventions} ones.`,
    );
  }
  const organs = chooseOrgans(templates, options.organs);
  const scales = chooseScales(options.scales);
  const queryCenters = flatCenters(options.queryCenters);
  const started = performance.now();
  const report = (phase: ProgressPhase, done = 0, total = 1) =>
    options.onProgress?.({ phase, done, total });

  if (typeof image === "string") report("read");
  return withVolume(image, options, async (volume) => {
    const read = secondsSince(started);
    const note = joinNotes(medlam.note, ...volume.warnings);
    if (!options.grid) report("grid");
    const gridStarted = performance.now();
    const grid = options.grid ?? (await Grid.make(volume, { ...options, device: medlam.device }));
    const gridTime = secondsSince(gridStarted);
    try {
      const { seed = 0, survey = false, lattice = 0, minScore = null } = options;
      const handles = { medlam: medlam.handle, grid: grid.handle, templates: templates.handle };
      const wanted = organs.map((organ) => pointsOf(organ, templates));
      const { minEvidence = null } = templates;
      const how = { scales, queryCenters, seed, survey, lattice, minScore, minEvidence };
      const found = await callNative(
        options,
        (task) => native.localize({ ...handles, organs: wanted, ...how }, task),
        (done, total, phase) => report(phase as ProgressPhase, done, total),
      );
      return {
        version: 1,
        ...(note !== "" && { note }),
        image: volume.path,
        shape: volume.shape,
        conventions,
        scales,
        ...(survey && { survey }),
        ...(lattice !== 0 && { lattice }),
        organs: describeOrgans(organs, found.organs, volume),
        timing: {
          read,
          grid: gridTime,
          network: found.networkSeconds,
          similarity: found.similaritySeconds,
          total: secondsSince(started),
          patches: found.patches,
        },
      };
    } finally {
      if (grid !== options.grid) grid.close();
    }
  });
}

function chooseOrgans(templates: Templates, names: readonly string[] | undefined): TemplateOrgan[] {
  const unknown = names?.find((name) => !templates.organs.some((organ) => organ.name === name));
  if (unknown !== undefined) {
    const known = templates.organs.map(({ name }) => name).join(", ");
    throw new UsageError(`The templates have no organ "${unknown}". They have: ${known}.`);
  }
  return templates.organs.filter(({ name }) => !names || names.includes(name));
}

/** The template points that stand for an organ. */
function pointsOf(organ: TemplateOrgan, templates: Templates): WantedOrgan {
  const first = templates.firstPoints()[templates.organs.indexOf(organ)] as number;
  const points = Int32Array.from({ length: organ.parts * pointsPerPart }, (_, i) => first + i);
  return { points, agreement: organ.agreement };
}

/** One flat array; empty where none are given. */
function flatCenters(centers: readonly Triple[] | undefined): Int32Array {
  if (centers?.length === 0) throw new UsageError("At least one query centre is needed.");
  for (const [i, center] of centers?.entries() ?? []) {
    if (center.length === 3 && center.every((value) => (value | 0) === value)) continue;
    throw new UsageError(
      `Query centre ${i} is [${center}]; centres are whole [z, y, x] on the padded grid.`,
    );
  }
  return Int32Array.from(centers?.flat() ?? []);
}

function chooseScales(scales: readonly Scale[] = [0, 1, 2]): Scale[] {
  if (!scales.every((scale) => [0, 1, 2].includes(scale))) {
    throw new UsageError(`Scales are 0, 1 and 2; [${scales}] holds another.`);
  }
  return [...new Set(scales)].sort();
}

function describeOrgans(
  organs: readonly TemplateOrgan[],
  found: readonly FoundOrgan[],
  volume: Volume,
): Record<string, OrganLocalization> {
  return Object.fromEntries(
    found.map(({ present, score, margin, box, parts }, i) => {
      const { name, label } = organs[i] as TemplateOrgan;
      const physical = physicalBox(box, volume.affine);
      return [name, { label, present, score, margin, box, parts, physicalBox: physical }];
    }),
  );
}
