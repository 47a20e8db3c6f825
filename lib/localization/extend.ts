/** Templates with more in them: organs, supports of an organ, or what other templates hold. */
import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type { TemplatesHandle } from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { checkArguments, optionsOf } from "../base/arguments.js";
import { InputError, UsageError } from "../base/errors.js";
import { type BuildOptions, supportsShape } from "./build.js";
import { described, type FillOptions, filled, placeOrgans, withLabels } from "./filling.js";
import { findOrgans, type Organ } from "./organs.js";
import { type LabelledSupport, nameOfImage } from "./supports.js";
import {
  pointsPerPart,
  someTemplates,
  type Templates,
  type TemplatesDescription,
} from "./templates.js";

/** Options of {@link addToTemplates}. */
export interface AddOptions
  extends Omit<BuildOptions, "strategy" | "sliceInterval" | "conventions" | "survey"> {
  /** The scans are more supports of organs that the templates have; otherwise (false) they show organs that they do not have. */
  moreSupports?: boolean;
}

const addOptions = optionsOf({ ...supportsShape, moreSupports: z.boolean().optional() });

/**
 * The templates with organs of more annotated scans, or with these scans as more supports of their organs. Nothing that they
 * hold is made again: new organs are those of a build of everything at once, to the bit; a point that gets more supports
 * differs from it by the rounding of the file's kernels (float16). Strategy, conventions and survey are the templates'
 * own. An organ whose label another one has gets the next free number.
 * @returns new templates; the given ones stay as they are.
 * @throws InputError `TEMPLATE_MISMATCH` for another network, and what {@link buildTemplates} throws; UsageError for the
 * name of an organ that is taken or, with `moreSupports`, unknown, and for points of the other strategy.
 */
export async function addToTemplates(
  templates: Templates,
  options: AddOptions,
): Promise<Templates> {
  checkArguments("addToTemplates", {
    templates: [templates, someTemplates],
    options: [options, addOptions],
  });
  const { moreSupports = false } = options;
  templates.requireNetwork(options.medlam);
  if (options.supports.length === 0) throw new UsageError("At least one support is needed to add.");
  requireStrategy(templates, options);
  const { conventions, survey = false } = templates;
  const how = { ...options, conventions, survey };
  return withLabels(how, (labelled) =>
    moreSupports ? addSupports(templates, how, labelled) : addOrgans(templates, how, labelled),
  );
}

/** @throws UsageError for extreme points that are given in the way of the other strategy. */
function requireStrategy({ path, strategy }: Templates, { supports }: AddOptions): void {
  const given = supports.flatMap((support) =>
    "extremePoints" in support ? support.extremePoints : [],
  );
  const byParts = given.find(({ parts }) => parts.length > 1);
  const file = path || "These templates";
  if (strategy === "wpl" && byParts) {
    throw new UsageError(
      `${file}: Whole-Patch Localization (wpl), six points for each organ, but "${byParts.name}" has points by parts. ` +
        "Give six points, or build a template file of parts (--strategy spl).",
    );
  }
  if (strategy === "spl" && given.length > 0 && !byParts) {
    throw new UsageError(
      `${file}: Sub-Patch Localization (spl), which needs six points for each part ("parts" in the points file). ` +
        "Give them by parts, or label maps.",
    );
  }
}

type Labelled = readonly (LabelledSupport | undefined)[];
type AddHow = AddOptions & FillOptions;

async function addOrgans(templates: Templates, how: AddHow, labelled: Labelled) {
  const found = organsOf(templates, how, labelled);
  const taken = namesIn(templates, found.organs, true);
  if (taken.length > 0) {
    throw new UsageError(
      `${templates.path || "The templates"}: has ${quoted(taken)} already. To add these scans to the supports of what it ` +
        "has, say so (--more-supports); otherwise name the organs otherwise (--names) or leave them out (--classes).",
    );
  }
  const points = found.organs.reduce((sum, { parts }) => sum + parts * pointsPerPart, 0);
  const empty = await callNative(how, (task) =>
    native.createTemplates({ medlam: how.medlam.handle, points }, task),
  );
  const handle = await join([templates.handle, empty], how).finally(() => native.release(empty));
  const said = describe(templates, how, found.sliceInterval);
  const added = found.organs.map(({ cut: _, ...organ }) => organ);
  return filled(how, handle, labelled, placeOrgans(found.organs, templates.points), {
    ...said,
    organs: withFreeLabels([...said.organs, ...added]),
  });
}

async function addSupports(templates: Templates, how: AddHow, labelled: Labelled) {
  const known = new Map(templates.organs.map(({ name, parts }) => [name, parts]));
  const found = organsOf(templates, how, labelled, known);
  const unknown = namesIn(templates, found.organs, false);
  if (unknown.length > 0) {
    throw new UsageError(
      `${templates.path || "The templates"}: has no ${quoted(unknown)}, to which supports could be added. It has ` +
        `${[...known.keys()].join(", ")}. Name the labels as it does (--names), leave them out (--classes), or add them as new organs.`,
    );
  }
  const first = templates.firstPoints();
  const placed = found.organs.map((organ) => {
    const index = templates.organs.findIndex(({ name }) => name === organ.name);
    return { ...organ, first: first[index] as number };
  });
  const said = describe(templates, how, found.sliceInterval);
  const organs = said.organs.map((organ) => {
    const more = found.organs.find(({ name }) => name === organ.name)?.supports ?? 0;
    return { ...organ, supports: organ.supports + more };
  });
  const handle = await join([templates.handle], how);
  return filled(how, handle, labelled, placed, { ...said, organs });
}

function organsOf(
  { strategy, sliceInterval }: Templates,
  { supports, classes, names }: AddHow,
  labelled: Labelled,
  known?: ReadonlyMap<string, number>,
) {
  const options = {
    ...{ supports, strategy },
    ...(sliceInterval !== null && { sliceInterval }),
    ...(classes && { classes }),
    ...(names && { names }),
  };
  return findOrgans(options, labelled, known);
}

/** Names of the organs that the templates have, or have not. */
function namesIn(templates: Templates, organs: readonly Organ[], has: boolean): string[] {
  const own = new Set(templates.organs.map(({ name }) => name));
  return organs.map(({ name }) => name).filter((name) => own.has(name) === has);
}

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");

function describe(
  templates: Templates,
  { supports }: AddHow,
  sliceInterval: number | null,
): TemplatesDescription {
  const said = templates.describe();
  return {
    ...said,
    sliceInterval: said.sliceInterval ?? sliceInterval,
    supports: [...new Set([...said.supports, ...supports.map(({ image }) => nameOfImage(image))])],
  };
}

/** An organ whose label an earlier one has gets the first number above all. */
function withFreeLabels<Each extends { label: number }>(organs: readonly Each[]): Each[] {
  const taken = new Set<number>();
  let free = Math.max(0, ...organs.map(({ label }) => label)) + 1;
  return organs.map((organ) => {
    const label = taken.has(organ.label) ? free++ : organ.label;
    taken.add(label);
    return { ...organ, label };
  });
}

const join = (parts: readonly TemplatesHandle[], options: CallOptions) =>
  callNative(options, (task) => native.joinTemplates(parts, task));

/**
 * One templates of several, with the organs of each in their order. They must be of one network, strategy and conventions, and
 * no two may have an organ of the same name; a label that an earlier one has becomes the next free number.
 * @returns new templates; the given ones stay as they are.
 * @throws InputError `TEMPLATE_MISMATCH` for templates that do not go together; UsageError for an organ that two of them have.
 */
export async function mergeTemplates(
  all: readonly Templates[],
  options: CallOptions = {},
): Promise<Templates> {
  checkArguments("mergeTemplates", { all: [all, z.array(someTemplates)] });
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) {
    throw new UsageError("Give two or more templates to merge.");
  }
  for (const other of others) requireSameKind(first, other);
  const organs = all.flatMap((templates) => templates.describe().organs);
  const twice = organs.find(({ name }, i) => organs.findIndex((organ) => organ.name === name) < i);
  if (twice) {
    const having = all.filter((each) => each.organs.some(({ name }) => name === twice.name));
    throw new UsageError(
      `The organ "${twice.name}" is in ${having.map(({ path }) => path || "unsaved templates").join(" and ")}. ` +
        "Keep it in one: build the other without it (--classes).",
    );
  }
  const intervals = all.flatMap(({ sliceInterval }) => sliceInterval ?? []);
  const handle = await join(
    all.map((templates) => templates.handle),
    options,
  );
  const said = {
    ...first.describe(),
    sliceInterval: intervals[0] ?? null,
    supports: [...new Set(all.flatMap(({ supports }) => supports))],
    organs: withFreeLabels(organs),
  };
  return described(handle, said, options);
}

type Kind = Record<string, unknown>;

function requireSameKind(first: Templates, other: Templates): void {
  const [a, b] = [first, other].map(({ path }) => path || "unsaved templates");
  const refuse = (what: string, todo: string) => {
    throw new InputError("TEMPLATE_MISMATCH", `${a} and ${b}: ${what} ${todo}`);
  };
  if (first.fingerprint !== other.fingerprint) {
    refuse(
      `made with different networks (fingerprints ${first.fingerprint} and ${other.fingerprint}).`,
      "Features of different networks cannot be compared: build one of them again with the other's.",
    );
  }
  const kinds = [first, other].map(
    ({ strategy, sliceInterval, conventions, survey, minEvidence }) => ({
      strategy,
      conventions,
      survey: survey ? "yes" : "no",
      "least evidence": minEvidence ?? "none",
      ...(sliceInterval !== null && { "slice interval": sliceInterval }),
    }),
  );
  const [is, should] = kinds as Record<string, unknown>[] as [Kind, Kind];
  for (const [key, value] of Object.entries(is)) {
    if (key in should && should[key] !== value) {
      refuse(
        `of different kinds (${key} ${value} and ${should[key]}).`,
        "One file has one kind: build one of them again as the other was.",
      );
    }
  }
}
