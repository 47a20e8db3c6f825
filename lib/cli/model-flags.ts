/** Which models a command works with: files that are named one by one, or together as `--models demo`. */
import { Option } from "commander";
import { UsageError } from "../base/errors.js";
import { demoModels } from "../demo/models.js";

export interface ModelFlags {
  models?: "demo";
  templates?: string;
  medlam?: string;
  sam?: string;
}

type Model = "templates" | "medlam" | "sam";

const options = {
  templates: "-t, --templates <file>",
  medlam: "--medlam <checkpoint>",
  sam: "--sam <checkpoint>",
} as const satisfies Record<Model, string>;

export const modelsOption = () =>
  new Option(
    "--models <name>",
    "demo: models that come with medlsam, to try it out; they know synthetic phantoms only, no patients",
  ).choices(["demo"]);

export const templatesOption = () =>
  new Option(options.templates, "template file (see: medlsam template build)");

export const medlamChoice = () =>
  new Option(options.medlam, "the MedLAM network (.pth, .tar, .safetensors)");

export const samChoice = () =>
  new Option(options.sam, "the SAM or MedSAM network (.pth, .safetensors)");

/**
 * The flags with the files of `--models` in the place of these models' options.
 * @throws UsageError if both are given.
 */
export function resolveModels<Flags extends ModelFlags>(
  flags: Flags,
  models: readonly Model[],
): Flags {
  if (flags.models === undefined) return flags;
  const given = (Object.keys(options) as Model[]).filter((model) => flags[model] !== undefined);
  if (given.length > 0) {
    const names = given.map((model) => shortest(options[model])).join(" and ");
    throw new UsageError(
      `--models ${flags.models} brings its own networks and templates: leave out ${names}, or --models.`,
    );
  }
  const files = demoModels();
  return { ...flags, ...Object.fromEntries(models.map((model) => [model, files[model]])) };
}

/** The file that a flag names. @throws UsageError if it is not given. */
export function requireModel(flags: ModelFlags, model: Model): string {
  const file = flags[model];
  if (file !== undefined) return file;
  throw new UsageError(
    `required option '${options[model]}' not specified (to try it out without: --models demo).`,
  );
}

/** "-t" of "-t, --templates <file>". */
function shortest(option: string): string {
  return /^[^\s,]+/.exec(option)?.[0] ?? option;
}
