/** Names of organs that agree between a prediction and its truth. */
import { InputError } from "../base/errors.js";

export type Names = ReadonlyMap<number, string>;

/**
 * The first of several tables of names that is not empty. A label without an entry, or without any table, is called by
 * its number.
 */
export function firstNaming(...schemes: Names[]): Names {
  return schemes.find((scheme) => scheme.size > 0) ?? new Map();
}

/** Replaces a label's number by the label's name; keeps other names. */
export function byName(name: string, names: Names): string {
  return /^\d+$/.test(name) ? (names.get(Number(name)) ?? name) : name;
}

/**
 * The label of each organ of a label map, by name: first the labels that occur, then those that only `declared` has.
 * @throws InputError `BAD_LABELS` if two labels that occur have one name.
 */
export function organLabels(
  path: string,
  occurring: readonly number[],
  declared: Names,
  names: Names,
): Map<string, number> {
  const organs = new Map<string, number>();
  for (const label of occurring) {
    const name = names.get(label) ?? String(label);
    const other = organs.get(name);
    if (other !== undefined) {
      throw new InputError(
        "BAD_LABELS",
        `${path}: labels ${other} and ${label} are both called "${name}". Give each label a name of its own (--names).`,
      );
    }
    organs.set(name, label);
  }
  for (const [label, name] of declared) if (!organs.has(name)) organs.set(name, label);
  return organs;
}
