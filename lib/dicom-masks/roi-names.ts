/** Names of regions of interest that planning systems can tell apart. */
import { cutText } from "../dicom/write/identity.js";

/** Characters that Eclipse compares. */
const compared = 16;
const longest = 64;

/**
 * Names of at most 64 characters that differ in their first 16: where organs' own do not, the side goes first
 * (`left_temporomandibular_joint`), or else a number does.
 */
export function roiNames(organs: readonly string[]): string[] {
  const start = (name: string) => name.slice(0, compared).toLowerCase();
  const count = new Map<string, number>();
  for (const organ of organs) count.set(start(organ), (count.get(start(organ)) ?? 0) + 1);
  const taken = new Set<string>();
  return organs.map((organ, index) => {
    const unique = count.get(start(organ)) === 1;
    const candidates = [organ, ...(unique ? [] : [sideFirst(organ)])].map((name) =>
      cutText(name, longest),
    );
    const found = candidates.find(
      (name) => name !== "" && !taken.has(start(name)) && (unique || name !== organ),
    );
    const name = found ?? cutText(`${index + 1}_${organ}`, longest);
    taken.add(start(name));
    return name;
  });
}

function sideFirst(organ: string): string {
  return organ.replace(/^(.+)[_ -](left|right)$/i, "$2_$1");
}
