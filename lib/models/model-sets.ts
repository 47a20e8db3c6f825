/**
 * The sets of models that come with the package. Each is described by a file models/NAME.json, which is all there is of a set
 * besides the files that it names: help, `medlsam models list` and the API say what stands there. Sets may share files. Nothing but
 * a caller's own word chooses a set.
 */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { callOptions, checkArguments } from "../base/arguments.js";
import { AbortedError, InputError, UsageError } from "../base/errors.js";

const file = z.strictObject({
  path: z.string().regex(/^[\w.-]+$/, "must be the name of a file beside this one"),
  bytes: z.int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const description = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  purpose: z.string().min(1),
  organs: z.array(z.string().min(1)).min(1),
  license: z.string().min(1),
  citation: z.string().min(1),
  note: z.string().min(1),
  files: z.strictObject({
    medlam: file,
    sam: file,
    templates: file,
    partTemplates: file.optional(),
  }),
});

const someFiles = z.array(z.enum(["medlam", "sam", "templates", "partTemplates"]));

type Description = z.output<typeof description>;

/** Files of a set: two networks, and templates of whole organs and, where it has them, of organs in parts. */
export type ModelFile = keyof Description["files"];

/** A set of models that belong together. */
export interface ModelSet extends Omit<Description, "files"> {
  /** Its purpose, as a phrase. */
  purpose: string;
  /** Names of the organs that it finds. */
  organs: string[];
  /** License of the weights, and what to cite. */
  license: string;
  citation: string;
  /** The words that all results made with it carry; they stand in the checkpoints too. */
  note: string;
  /** Paths. `templates` are of Whole-Patch Localization, `partTemplates` of Sub-Patch Localization. */
  files: Record<Exclude<ModelFile, "partTemplates">, string> & { partTemplates?: string };
}

const folder = new URL("../../models/", import.meta.url);
const repair = "Install medlsam again (in a clone: git checkout -- models).";

/** Names of the sets that there are, sorted. */
export function modelSetNames(): string[] {
  try {
    return readdirSync(folder)
      .flatMap((entry) => /^(.+)\.json$/.exec(entry)?.[1] ?? [])
      .sort();
  } catch {
    return []; // a package without models has no sets
  }
}

/** @throws InputError for a description that cannot be used. */
export function modelSets(): ModelSet[] {
  return modelSetNames().map(models);
}

/**
 * The set of models of this name.
 * @throws UsageError for a name that no set has; InputError for a description that cannot be used.
 */
export function models(name: string): ModelSet {
  checkArguments("models", { name: [name, z.string()] });
  const { files, ...said } = readDescription(name);
  const paths = Object.entries(files).flatMap(([key, each]) =>
    each === undefined ? [] : [[key, pathOf(each.path)] as const],
  );
  return { ...said, files: Object.fromEntries(paths) as ModelSet["files"] };
}

/**
 * Makes sure that files of a set are there and what was shipped, to the bit: a wrong weight would show in results alone.
 * @throws InputError `FILE_NOT_FOUND` or `BAD_CHECKPOINT` that names the set, what is wrong with which file, and how to get it back.
 */
export async function checkModelFiles(
  name: string,
  needed: readonly ModelFile[],
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  checkArguments("checkModelFiles", {
    name: [name, z.string()],
    needed: [needed, someFiles],
    options: [options, callOptions],
  });
  const { signal } = options;
  const { files } = readDescription(name);
  for (const key of needed) {
    const entry = files[key];
    if (entry === undefined) {
      throw new UsageError(`The model set "${name}" has no templates of organs in parts (spl).`);
    }
    const path = pathOf(entry.path);
    const told = `The model set "${name}": ${path}`;
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) {
      throw new InputError("FILE_NOT_FOUND", `${told} is missing. ${repair}`);
    }
    const wrong =
      size === entry.bytes
        ? (await hashOf(path, signal)) !== entry.sha256 && "its content is not what was shipped"
        : `${size} bytes instead of ${entry.bytes}`;
    if (wrong) throw new InputError("BAD_CHECKPOINT", `${told} is damaged: ${wrong}. ${repair}`);
  }
}

function readDescription(name: string): Description {
  const names = modelSetNames();
  if (!names.includes(name)) {
    const known = names.length === 0 ? `It has none: ${repair}` : `It has ${names.join(", ")}.`;
    throw new UsageError(`There is no model set "${name}" in this package. ${known}`);
  }
  const path = pathOf(`${name}.json`);
  try {
    return description.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const told = `The model set "${name}": ${path} is damaged.`;
    throw new InputError("BAD_CHECKPOINT", `${told} ${repair}`, { cause });
  }
}

function pathOf(entry: string): string {
  return fileURLToPath(new URL(entry, folder));
}

async function hashOf(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash, { ...(signal && { signal }) });
  } catch (cause) {
    if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
    throw new InputError("READ_FAILED", `${path}: cannot be read. ${repair}`, { cause });
  }
  return hash.digest("hex");
}
