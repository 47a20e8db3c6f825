/** Figures over phantoms, and the targets for them. */
import { organSpreads } from "../../../dist/index.js";
import { auc, bestThreshold } from "./statistics.mjs";

/** { name, organ, phantom } of every organ that is in its scan and in all templates. */
export function presentOrgans(phantoms) {
  return phantoms.flatMap((phantom) =>
    Object.entries(phantom.organs)
      .filter(([, { truth, verdict }]) => truth === "present" && verdict)
      .map(([name, organ]) => ({ name, organ, phantom })),
  );
}

/** `pick(organ)` over the cases by organ, and over the organs (`average`). Cases without a figure do not count. */
export function figures(cases, pick) {
  return organSpreads(
    cases.map(({ name, organ }) => ({ organ: name, value: pick(organ) ?? null })),
  );
}

/** Those cases that the verdict calls present, too. */
export const calledPresent = (cases) => cases.filter(({ organ }) => organ.verdict.present);

/**
 * Numbers that could decide whether an organ is there, greater where it is likelier. The verdict as shipped is "lesser …
 * at least 0": its threshold on the score and the one on the margin.
 */
export const indicators = {
  score: ({ score }) => score,
  "score ÷ agreement": ({ score, agreement }) => score / agreement,
  margin: ({ margin }) => margin,
  "lesser of score ÷ agreement − ½ and margin ÷ 20 mm": ({ score, agreement, margin }) =>
    Math.min(score / agreement - 0.5, margin / 20),
  "lesser of score ÷ agreement − ½ and margin ÷ 60 mm": ({ score, agreement, margin }) =>
    Math.min(score / agreement - 0.5, margin / 60),
  "lesser of score ÷ agreement − ½ and margin ÷ 200 mm": ({ score, agreement, margin }) =>
    Math.min(score / agreement - 0.5, margin / 200),
  "score ÷ agreement + margin ÷ 60 mm within ±1": ({ score, agreement, margin }) =>
    score / agreement + clamp(margin / 60),
  "score ÷ agreement + margin ÷ 200 mm within ±1": ({ score, agreement, margin }) =>
    score / agreement + clamp(margin / 200),
  "− how far the search moved the box": ({ moved }) => -moved,
  "score ÷ agreement + margin ÷ 60 mm within ±1 − moved ÷ 60 mm": (verdict) =>
    verdict.score / verdict.agreement + clamp(verdict.margin / 60) - verdict.moved / 60,
};

const clamp = (value) => Math.min(Math.max(value, -1), 1);

/** How well each indicator tells absent organs from present ones, over all organs of all phantoms. */
export function verdictFigures(phantoms) {
  const all = phantoms
    .flatMap(({ organs }) => Object.values(organs))
    // Two supports or more are needed for an agreement.
    .filter(({ verdict }) => verdict && verdict.agreement !== null && verdict.score !== null);
  const group = (truth) => all.filter((organ) => organ.truth === truth);
  const [present, removed, outside] = ["present", "taken out", "outside"].map(group);
  const absent = [...removed, ...outside];
  const table = Object.entries(indicators).map(([name, indicator]) => {
    const values = (organs) => organs.map(({ verdict }) => indicator(verdict));
    const [there, ...others] = [present, absent, removed, outside].map(values);
    const [all, takenOut, outOfScan] = others.map((values) => auc(there, values));
    return { name, all, takenOut, outOfScan, best: bestThreshold(there, others[0]) };
  });
  const called = (organs, verdict) =>
    organs.filter(({ verdict: { present } }) => present === verdict).length;
  return {
    indicators: table,
    counts: { present: present.length, removed: removed.length, outside: outside.length },
    falseAbsent: called(present, false),
    falsePresent: { removed: called(removed, true), outside: called(outside, true) },
  };
}
