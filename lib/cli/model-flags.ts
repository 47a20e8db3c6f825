/** Models that a command works with: files that are named one by one, or together as `--models demo`. */
import { UsageError } from "../base/errors.js";
import { modelOptions } from "./options.js";
import type { Api } from "./session.js";

export interface ModelFlags {
  models?: "demo";
  templates?: string;
  medlam?: string;
  sam?: string;
}

export type Model = keyof typeof modelOptions;

/** @throws UsageError if `--models` and files are given, or one of the needed files is not. */
export function checkModels(flags: ModelFlags, needed: readonly Model[]): void {
  if (flags.models === undefined) {
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

/** The files of the needed models, named by the flags or those of `--models`. */
export function modelFiles<Needed extends Model>(
  flags: ModelFlags,
  needed: readonly Needed[],
  api: Api,
): Partial<Record<Needed, string>> {
  const files = flags.models === undefined ? flags : api.demoModels();
  return Object.fromEntries(needed.map((model) => [model, files[model]])) as Partial<
    Record<Needed, string>
  >;
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
