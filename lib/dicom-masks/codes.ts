/** Coded terms for an organ, by its name. */
import { z } from "zod";
import { aPath, checkArguments } from "../base/arguments.js";
import type { Code } from "../dicom/write/code.js";
import { labelColor } from "../formats/label-names.js";
import { parseJson, readAnnotationText, validate } from "../formats/text-file.js";
import { type CodedOrgan, codedOrgans } from "./organ-codes.js";

export type Color = readonly [red: number, green: number, blue: number];

/** Codes of an organ, as a segment or a region of interest has them. */
export interface OrganCodes {
  category: Code;
  type: Code;
  /** The side. */
  modifier?: Code;
  /** 0 to 255 */
  color: Color;
}

/** Codes of a file of one's own, by the organ's name; see {@link readOrganCodes}. */
export type GivenCodes = ReadonlyMap<string, Omit<OrganCodes, "color"> & { color?: Color }>;

const sct = (value: string, meaning: string): Code => ({ value, scheme: "SCT", meaning });

/** The category that dcmqi, Slicer's terminology and TotalSegmentator give organs (PS3.16 CID 7150). */
const anatomicalStructure = sct("123037004", "Anatomical Structure");
/** Category and type of an organ that nothing is known of. */
const tissue = sct("85756007", "Tissue");
const sides = {
  left: sct("7771000", "Left"),
  right: sct("24028007", "Right"),
  both: sct("51440002", "Right and left"),
};

/** A name as names are compared: without case, `_`, `-` and spaces. */
function comparable(name: string): string {
  return name.toLowerCase().replace(/[_\- ]+/g, "");
}

interface Sided {
  base: string;
  side: "left" | "right";
}

/** The ways to read a side out of a name: `left liver`, `liver_left`, `liver_l`. */
function sided(name: string): Sided[] {
  const found: Sided[] = [];
  for (const side of ["left", "right"] as const) {
    const plain = comparable(name);
    if (plain.startsWith(side)) found.push({ base: plain.slice(side.length), side });
    if (plain.endsWith(side)) found.push({ base: plain.slice(0, -side.length), side });
    const letter = new RegExp(`[_\\- ]${side[0]}$`, "i");
    if (letter.test(name)) found.push({ base: comparable(name.replace(letter, "")), side });
  }
  return found;
}

const organs = new Map<string, CodedOrgan>();
for (const organ of codedOrgans) {
  for (const name of [organ.name, ...(organ.aliases ?? [])]) {
    // A pair and the two together, such as the halves of the mandible, are two rows of one name.
    const key = comparable(name);
    organs.set(key, { ...organs.get(key), ...organ });
  }
}

/**
 * The codes of an organ: those given for its name, else those of this package, else "tissue".
 * @param label the organ's value in a label map, for the color of one that is not known.
 */
export function codesOf(name: string, label: number, given: GivenCodes = new Map()): OrganCodes {
  const own = given.get(comparable(name));
  if (own) return { ...own, color: own.color ?? codesOf(name, label).color };
  const whole = organs.get(comparable(name));
  if (whole) {
    const color = whole.color ?? whole.colors?.[0] ?? colorOf(label);
    return { ...ofType(whole), ...(whole.both && { modifier: sides.both }), color };
  }
  for (const { base, side } of sided(name)) {
    const organ = organs.get(base);
    if (!organ) continue;
    const color = organ.colors?.[side === "left" ? 0 : 1] ?? organ.color ?? colorOf(label);
    return { ...ofType(organ), modifier: sides[side], color };
  }
  return { category: tissue, type: tissue, color: colorOf(label) };
}

function ofType({ code, meaning }: CodedOrgan): Pick<OrganCodes, "category" | "type"> {
  return { category: anatomicalStructure, type: sct(code, meaning) };
}

function colorOf(label: number): Color {
  return labelColor(label).map((channel) => Math.round(255 * channel)) as unknown as Color;
}

const code = z.object({
  value: z.string("must be a code, as text").min(1).max(16, "must have at most 16 characters"),
  scheme: z.string("must be a coding scheme such as SCT").min(1).max(16),
  meaning: z.string("must be text").min(1).max(64, "must have at most 64 characters"),
});
const channel = z.int().min(0).max(255);
const codesFile = z.looseObject({
  organs: z.record(
    z.string(),
    z.object(
      {
        category: code.optional(),
        type: code,
        modifier: code.optional(),
        rgb: z.tuple([channel, channel, channel], "must be three numbers from 0 to 255").optional(),
        aliases: z.array(z.string()).optional(),
      },
      "must be an object with a type",
    ),
    "must be an object, by organ name",
  ),
});

/**
 * Reads organ codes from JSON: `{"organs": {"thymus": {"type": {"value": "9875009", "scheme": "SCT", "meaning": "Thymus"}}}}`,
 * each with `category`, `modifier`, `rgb` and `aliases` if wanted. They go before this package's own.
 * @throws InputError `BAD_ANNOTATION` naming the place in the JSON, `FILE_NOT_FOUND`, `READ_FAILED`.
 */
export async function readOrganCodes(path: string): Promise<GivenCodes> {
  checkArguments("readOrganCodes", { path: [path, aPath] });
  const file = validate(path, codesFile, parseJson(path, await readAnnotationText(path)));
  const given = new Map<string, Omit<OrganCodes, "color"> & { color?: Color }>();
  for (const [
    name,
    { category = anatomicalStructure, type, modifier, rgb, aliases = [] },
  ] of Object.entries(file.organs)) {
    const codes = { category, type, ...(modifier && { modifier }), ...(rgb && { color: rgb }) };
    for (const each of [name, ...aliases]) given.set(comparable(each), codes);
  }
  return given;
}
