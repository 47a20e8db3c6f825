/** Means and standard deviations, over cases and over organs. */
import { z } from "zod";
import { checkArguments } from "../base/arguments.js";
import type { Spread } from "./result.js";

/** One organ's figure in one case; null where it has none. */
export interface OrganFigure {
  organ: string;
  value: number | null;
}

/** A figure over the cases of each organ, and over the organs. */
export interface OrganSpreads {
  organs: Record<string, Spread>;
  /** Mean and spread of the organs' means: every organ has the same weight, however many cases show it. */
  average: Spread;
}

/** Mean and population standard deviation of the values that are not null, in their order. */
export function spreadOf(values: readonly (number | null)[]): Spread {
  const known = values.filter((value) => value !== null);
  const count = known.length;
  if (count === 0) return { mean: null, std: null, count };
  const mean = known.reduce((sum, value) => sum + value, 0) / count;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { mean, std: Math.sqrt(variance), count };
}

/**
 * Mean and population standard deviation of a figure by organ over its cases, and of the organs' means. An organ without
 * any value is listed, and counts in no average. @throws UsageError
 */
export function organSpreads(figures: readonly OrganFigure[]): OrganSpreads {
  checkArguments("organSpreads", {
    figures: [figures, z.array(z.object({ organ: z.string(), value: z.number().nullable() }))],
  });
  const byOrgan = new Map<string, (number | null)[]>();
  for (const { organ, value } of figures) {
    const values = byOrgan.get(organ);
    if (values === undefined) byOrgan.set(organ, [value]);
    else values.push(value);
  }
  const organs = [...byOrgan].map(([organ, values]) => [organ, spreadOf(values)] as const);
  return {
    organs: Object.fromEntries(organs),
    average: spreadOf(organs.map(([, { mean }]) => mean)),
  };
}
