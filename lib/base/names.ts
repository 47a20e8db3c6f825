import { UsageError } from "./errors.js";

/**
 * @param whose who has the known names, as a sentence begins: "The templates have".
 * @throws UsageError naming those that are wanted and not known.
 */
export function requireKnown(
  kind: string,
  wanted: readonly string[] | undefined,
  known: readonly string[],
  whose: string,
): void {
  const unknown = wanted?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length === 0) return;
  throw new UsageError(
    `${kind}s: no ${kind} is called ${unknown.join(", ")}. ${whose}: ${known.join(", ")}.`,
  );
}
