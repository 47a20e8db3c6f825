/** The organs of templates: from their supports' label maps and extreme points (algorithm.md part 3). */
import type { LabelExtent } from "../addon/contract/index.js";
import { InputError, UsageError } from "../base/errors.js";
import { labelNamesFromXml } from "../formats/label-names.js";
import { cutsOf, type LabelledSupport, type Support } from "./supports.js";
import type { Strategy } from "./templates.js";

/** Options that decide which organs templates hold. */
export interface OrganOptions {
  /** At least one; five do well. Organs may be missing from some. */
  supports: readonly Support[];
  /** "wpl" by default; with extreme points, what the points say. */
  strategy?: Strategy;
  /** Grid slices (3 mm) a part of Sub-Patch Localization has at least; 2 by default. */
  sliceInterval?: number;
  /** The labels to use; all that occur by default. */
  classes?: readonly number[];
  /** Names by label. Label maps' own label tables serve where these say nothing. */
  names?: ReadonlyMap<number, string>;
}

/** Parts of organs by name. */
type KnownParts = ReadonlyMap<string, number>;

/** An organ of templates to be built. */
export interface Organ {
  name: string;
  label: number;
  /** Boxes it is localized by. */
  parts: number;
  /** Label maps' organs are cut into their parts; otherwise they are one part, whole. */
  cut: boolean;
  supports: number;
}

/**
 * Finds the organs that the templates hold, and how each is cut.
 * @param known parts of the organs, by name, that templates have already.
 * @throws InputError `BAD_ANNOTATION`; UsageError.
 */
export function findOrgans(
  options: OrganOptions,
  labelled: readonly (LabelledSupport | undefined)[],
  known: KnownParts = new Map(),
): { organs: Organ[]; strategy: Strategy; sliceInterval: number | null } {
  const { sliceInterval = 2, strategy, supports } = options;
  const maps = labelled.filter((support) => support !== undefined);
  const interval = strategy === "spl" ? sliceInterval : undefined;
  const organs = organsOfLabelMaps(options, maps, interval, known);
  for (const support of supports) {
    if ("extremePoints" in support)
      mergeGivenOrgans(organs, support.extremePoints, options.classes, known);
  }
  if (organs.length === 0) {
    throw new InputError("BAD_ANNOTATION", "The supports show no organ: every label map is empty.");
  }
  const anyParts = organs.some(({ parts, cut }) => parts > 1 || cut);
  if (strategy === "spl" && maps.length === 0 && !anyParts) {
    throw new UsageError(
      'Sub-Patch Localization needs six extreme points for each part ("parts" in the points file).',
    );
  }
  if (strategy === "wpl" && anyParts) {
    throw new UsageError(
      "These extreme points are given by parts, which is Sub-Patch Localization (--strategy spl).",
    );
  }
  const chosen = strategy ?? (anyParts ? "spl" : "wpl");
  return {
    organs,
    strategy: chosen,
    sliceInterval: chosen === "spl" && maps.length > 0 ? sliceInterval : null,
  };
}

function organsOfLabelMaps(
  { classes, names }: OrganOptions,
  maps: readonly LabelledSupport[],
  sliceInterval: number | undefined,
  known: KnownParts,
): Organ[] {
  if (maps.length === 0) return [];
  const tables = maps.flatMap(({ labelXml }) =>
    labelXml === undefined ? [] : [labelNamesFromXml(labelXml)],
  );
  const nameOf = (label: number) => {
    const table = [names, ...tables].find((candidate) => candidate?.has(label));
    return table?.get(label) ?? String(label);
  };
  const labels =
    classes ??
    [...new Set(maps.flatMap(({ extents }) => [...extents.keys()]))].sort((a, b) => a - b);
  const organs = labels.map((label): Organ => {
    const extents = maps.flatMap((map) => map.extents.get(label) ?? []);
    if (extents.length === 0) {
      throw new InputError(
        "BAD_ANNOTATION",
        `Label ${label} (${nameOf(label)}) is in no support: no label map has a voxel of it on the 3 mm grid. ` +
          "Leave it out of the classes, or add a support that shows it.",
      );
    }
    const name = nameOf(label);
    const cuts = sliceInterval === undefined ? undefined : cutsOf(extents, sliceInterval);
    const parts = known.get(name) ?? cuts ?? 1;
    requireSlices(name, parts, extents);
    return { name, label, parts, cut: cuts !== undefined || parts > 1, supports: extents.length };
  });
  const twice = organs.find(
    ({ name }, i) => organs.findIndex((other) => other.name === name) !== i,
  );
  if (twice)
    throw new UsageError(
      `Two labels have the name "${twice.name}". Give every organ a name of its own.`,
    );
  return organs;
}

/** @throws InputError `BAD_ANNOTATION` for an organ that a support shows in too few slices to have a part in each. */
function requireSlices(name: string, parts: number, extents: readonly LabelExtent[]): void {
  const slices = Math.min(...extents.map(({ min, max }) => max[0] - min[0]));
  if (parts === 1 || slices >= parts) return;
  throw new InputError(
    "BAD_ANNOTATION",
    `Organ "${name}" has ${parts} parts, and a support shows ${slices + 1} slices of it on the 3 mm grid: too few. ` +
      "Leave that support out, or build the templates anew.",
  );
}

/** Adds the organs of a points file; one without a label gets the first free number. */
function mergeGivenOrgans(
  organs: Organ[],
  given: Extract<Support, { extremePoints: unknown }>["extremePoints"],
  classes: readonly number[] | undefined,
  knownParts: KnownParts,
): void {
  for (const { name, label, parts } of given) {
    if (classes && label !== undefined && !classes.includes(label)) continue;
    const known = organs.find((organ) => organ.name === name);
    const wanted = known?.parts ?? knownParts.get(name) ?? parts.length;
    if (wanted !== parts.length) {
      throw new InputError(
        "BAD_ANNOTATION",
        `Organ "${name}" has ${wanted} parts in one support and ${parts.length} in another. ` +
          "Cut it into the same number everywhere.",
      );
    }
    if (known) known.supports++;
    else {
      const free = Math.max(0, ...organs.map((organ) => organ.label)) + 1;
      organs.push({ name, label: label ?? free, parts: wanted, cut: false, supports: 1 });
    }
  }
}
