/** Models that a command works with: files that are named one by one, or together as a set, `--models NAME`. */
import { UsageError } from "../base/errors.js";
import type { Strategy } from "../index.js";
import { models } from "../models/model-sets.js";
import { modelOptions } from "./options.js";
import type { Api, Session } from "./session.js";
import { count } from "./text.js";

export interface ModelFlags {
  models?: string;
  /** Strategy of the set's templates. */
  strategy?: Strategy;
  templates?: string;
  medlam?: string;
  sam?: string;
}

export type Model = keyof typeof modelOptions;

/** @throws UsageError if `--models` and files are given, or one of the needed files is not. */
export function checkModels(flags: ModelFlags, needed: readonly Model[]): void {
  if (flags.models === undefined) {
    if (flags.strategy !== undefined) {
      throw new UsageError(
        "--strategy chooses templates of a set: give --models, or a template file of that strategy with -t.",
      );
    }
    for (const model of needed) requireFile(flags, model);
    return;
  }
  const given = (Object.keys(modelOptions) as Model[]).filter((model) => flags[model]);
  if (given.length === 0) return;
  const names = given.map((model) => shortest(modelOptions[model].flags)).join(" and ");
  throw new UsageError(
    `--models ${flags.models} brings its own networks and templates: leave out ${names}, or --models.`,
  );
}

/**
 * The files of the needed models, named by the flags or those of `--models`.
 * @throws InputError for a set whose files are missing or damaged; UsageError for templates that it does not have.
 */
export async function modelFiles<Needed extends Model>(
  flags: ModelFlags,
  needed: readonly Needed[],
  api: Api,
  { signal }: Session,
): Promise<Partial<Record<Needed, string>>> {
  const entries = needed.map((model) => [model, model as Model] as const);
  if (flags.models === undefined) {
    return Object.fromEntries(entries.map(([model, key]) => [model, flags[key]])) as never;
  }
  const keys = entries.map(([model, key]) => {
    const inParts = key === "templates" && flags.strategy === "spl";
    return [model, inParts ? "partTemplates" : key] as const;
  });
  await api.checkModelFiles(
    flags.models,
    keys.map(([, key]) => key),
    { signal },
  );
  const { files } = models(flags.models);
  return Object.fromEntries(keys.map(([model, key]) => [model, files[key]])) as never;
}

/** "none of the 3 organs is in this scan", and what the set of models looks for. */
export function noneFound(organs: number, flags: ModelFlags): string {
  const none = `none of the ${count(organs, "organ")} is in this scan`;
  if (flags.models === undefined) return none;
  return `${none} (${flags.models} looks for ${models(flags.models).organs.join(", ")})`;
}

function requireFile(flags: ModelFlags, model: Model): void {
  if (flags[model] !== undefined) return;
  throw new UsageError(
    `required option '${modelOptions[model].flags}' not specified (to try it out without: --models demo).`,
  );
}

/** "-t" of "-t, --templates <file>". */
function shortest(option: string): string {
  return /^[^\s,]+/.exec(option)?.[0] ?? option;
}
