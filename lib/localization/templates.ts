import { z } from "zod";
import { type CallOptions, callNative } from "../addon/call.js";
import type {
  Conventions,
  Kernels,
  TemplatesHandle,
  TemplatesInfo,
} from "../addon/contract/index.js";
import { native } from "../addon/loader.js";
import { Owned } from "../addon/owned.js";
import { aPath, checkArguments, instanceOf, optionsOf } from "../base/arguments.js";
import { InputError } from "../base/errors.js";
import type { MedLam } from "./medlam.js";

/** Whole-Patch Localization: six points around an organ. Sub-Patch Localization: six around each part of it. */
export type Strategy = "wpl" | "spl";

/** Six points a box: min z, min y, min x, max z, max y, max x. */
export const pointsPerPart = 6;

/** One organ of a template file. */
export interface TemplateOrgan {
  /** Its name, or its label number as text where it has none. Unique in a file. */
  name: string;
  /** Its value in label maps: the supports' own, or another where an organ of the file had that already. */
  label: number;
  /** Boxes it is localized by: 1 for Whole-Patch Localization. */
  parts: number;
  /** How many supports show it. */
  supports: number;
  /** Mean cosine between the supports at its points; null with fewer than two. A low one means they disagree. */
  agreement: number | null;
}

/** Description in a template file. */
export interface TemplatesDescription {
  strategy: Strategy;
  /** Slices of the 3 mm grid that a part has at least; null for Whole-Patch Localization. */
  sliceInterval: number | null;
  /** How the supports were put on the grid and their points were found. */
  conventions: Conventions;
  /** The supports were surveyed for their points' positions. */
  survey?: true;
  /** The least score ÷ agreement + margin ÷ 300 mm of an organ that is there; without it four fifths of the agreement decide. */
  minEvidence?: number;
  /** {@link MedLam.fingerprint} of the network that made it. */
  fingerprint: string;
  /** {@link MedLam.note} of that network, if it has one. */
  note?: string;
  width: number;
  patch: number;
  /** The images it was made from. */
  supports: string[];
  organs: Omit<TemplateOrgan, "agreement">[];
}

/** Version of the file format by what the file keeps features as. */
const versions = { float16: "1", int4: "2" } as const satisfies Record<Kernels, string>;
const description = z.object({
  strategy: z.enum(["wpl", "spl"]),
  sliceInterval: z.int().min(1).nullable(),
  conventions: z.enum(["exact", "reference"]),
  survey: z.literal(true).optional(),
  minEvidence: z.number().optional(),
  fingerprint: z.string().regex(/^[0-9a-f]{32}$/),
  note: z.string().optional(),
  width: z.int().min(1),
  patch: z.int().min(16),
  supports: z.array(z.string()),
  organs: z
    .array(
      z.object({
        name: z.string().min(1),
        label: z.int(),
        parts: z.int().min(1).max(1000),
        supports: z.int().min(1),
      }),
    )
    .min(1),
});

const saveOptions = optionsOf({ kernels: z.enum(["float16", "int4"]).optional() });

/** Examples of organs: made once by {@link buildTemplates}, kept in a file, used for any number of scans. */
export class Templates {
  #path: string;
  readonly strategy: Strategy;
  readonly sliceInterval: number | null;
  readonly conventions: Conventions;
  readonly survey?: true;
  /** See {@link TemplatesDescription.minEvidence}. */
  readonly minEvidence?: number;
  readonly fingerprint: string;
  readonly note?: string;
  readonly width: number;
  readonly patch: number;
  readonly supports: readonly string[];
  readonly organs: readonly TemplateOrgan[];
  /** How features are kept, in the file they come from and, unless told otherwise, in the one they are saved to. */
  readonly kernels: Kernels;
  /** Points in all: six for every part of every organ. */
  readonly points: number;
  /** @internal Mean position of every point in the unified anatomical coordinate system: (z, y, x) each. */
  readonly positions: Float32Array;
  /** @internal How many supports stand behind each point. */
  readonly supportsOfPoint: Int32Array;
  readonly #native: Owned<TemplatesHandle>;

  private constructor(path: string, info: TemplatesInfo, said: TemplatesDescription) {
    this.#path = path;
    this.#native = new Owned(info.handle, nameOf(path));
    this.strategy = said.strategy;
    this.sliceInterval = said.sliceInterval;
    this.conventions = said.conventions;
    if (said.survey) this.survey = true;
    if (said.minEvidence !== undefined) this.minEvidence = said.minEvidence;
    this.fingerprint = said.fingerprint;
    if (said.note !== undefined) this.note = said.note;
    this.width = said.width;
    this.patch = said.patch;
    this.supports = said.supports;
    this.kernels = info.kernels;
    this.points = info.points;
    this.positions = info.positions;
    this.supportsOfPoint = info.supports;
    let first = 0;
    this.organs = said.organs.map((organ) => {
      const count = organ.parts * pointsPerPart;
      const agreements = info.agreement.subarray(first, first + count);
      first += count;
      return { ...organ, agreement: finiteMean(agreements) };
    });
  }

  /** The file they were opened from or last saved to; "" where there is none. */
  get path(): string {
    return this.#path;
  }

  /** @internal Templates that native code holds, and what is said of them. */
  static make(path: string, info: TemplatesInfo, said: TemplatesDescription): Templates {
    return new Templates(path, info, said);
  }

  /** @internal */
  get handle(): TemplatesHandle {
    return this.#native.handle;
  }

  /**
   * Maps a template file; its kernels are read as scans need them.
   * @throws InputError `FILE_NOT_FOUND`, `READ_FAILED`, `BAD_TEMPLATES`.
   */
  static async open(path: string, options: CallOptions = {}): Promise<Templates> {
    checkArguments("Templates.open", { path: [path, aPath] });
    const info = await callNative(options, (task) => native.openTemplates(path, task));
    return new Templates(path, info, parseDescription(path, info));
  }

  /**
   * Writes the file, whole or not at all.
   * @param options.kernels how features are kept: "float16", or "int4" in two sevenths of the room, for boxes that are as good to
   * within a thousandth of IoU on patients' heads and necks.
   * @throws OutputError `WRITE_FAILED`
   */
  async save(path: string, options: CallOptions & { kernels?: Kernels } = {}): Promise<void> {
    checkArguments("Templates.save", { path: [path, aPath], options: [options, saveOptions] });
    const { kernels = this.kernels } = options;
    const description = JSON.stringify(this.describe());
    const version = versions[kernels];
    const metadata = { format: "medlsam templates", version, description };
    const call = { templates: this.handle, path, metadata, kernels };
    await callNative(options, (task) => native.writeTemplates(call, task));
    this.#path = path;
    this.#native.name = nameOf(path);
  }

  /** @internal What their file says of them. */
  describe(): TemplatesDescription {
    const { strategy, sliceInterval, conventions, survey, minEvidence } = this;
    const { fingerprint, note, width, patch } = this;
    return {
      ...{ strategy, sliceInterval, conventions },
      ...(survey && { survey }),
      ...(minEvidence !== undefined && { minEvidence }),
      fingerprint,
      ...(note !== undefined && { note }),
      ...{ width, patch },
      supports: [...this.supports],
      organs: this.organs.map(({ agreement: _, ...organ }) => organ),
    };
  }

  /** @internal @throws InputError `TEMPLATE_MISMATCH` if another network made these templates. */
  requireNetwork(medlam: MedLam): void {
    if (medlam.fingerprint === this.fingerprint) return;
    throw new InputError(
      "TEMPLATE_MISMATCH",
      `${this.path || "These templates"}: made with another network (fingerprint ${this.fingerprint}, width ` +
        `${this.width}) than ${medlam.path} (${medlam.fingerprint}, width ${medlam.width}). Features of different ` +
        "networks cannot be compared: use the checkpoint they were made with, or build them again with this one.",
    );
  }

  /** @internal Index of the first point of every organ. */
  firstPoints(): number[] {
    let next = 0;
    return this.organs.map(({ parts }) => {
      const first = next;
      next += parts * pointsPerPart;
      return first;
    });
  }

  /** Frees or unmaps the kernels as soon as nothing uses them. */
  close(): void {
    this.#native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @internal Templates as public functions take them. */
export const someTemplates = instanceOf(Templates, "Templates.open or buildTemplates");

/** Name of templates in messages. */
function nameOf(path: string): string {
  return path === "" ? "The templates" : `The templates ${path}`;
}

function parseDescription(path: string, info: TemplatesInfo): TemplatesDescription {
  const bad = (what: string) => new InputError("BAD_TEMPLATES", `${path}: ${what}`);
  const { format, version: found, description: text } = info.metadata;
  if (format !== "medlsam templates" || text === undefined) {
    throw bad(
      "not a template file: its metadata does not say so. Build one with `medlsam template build`.",
    );
  }
  if (found !== versions[info.kernels]) {
    throw bad(
      `version ${found} of the template format; this medlsam reads versions ${Object.values(versions).join(" and ")}. Build it again.`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad("its description is not valid JSON. The file is damaged; build it again.");
  }
  const parsed = description.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw bad(
      `its description is wrong at ${issue?.path.join(".")}: ${issue?.message}. Build it again.`,
    );
  }
  const points = parsed.data.organs.reduce((sum, organ) => sum + organ.parts * pointsPerPart, 0);
  if (points !== info.points || 4 * parsed.data.width !== info.channels) {
    throw bad(
      `it describes ${points} points but holds ${info.points}. The file is damaged; build it again.`,
    );
  }
  if (new Set(parsed.data.organs.map(({ name }) => name)).size !== parsed.data.organs.length) {
    throw bad("two of its organs share a name. Build it again.");
  }
  return parsed.data;
}

function finiteMean(values: Float32Array): number | null {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? null : finite.reduce((sum, value) => sum + value, 0) / finite.length;
}
