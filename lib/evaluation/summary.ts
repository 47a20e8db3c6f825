/** Summarizes the figures of several cases. */
import { checkArguments } from "../base/arguments.js";
import { UsageError } from "../base/errors.js";
import {
  type CaseEvaluation,
  caseEvaluations,
  type EvaluationSummary,
  type MetricName,
  metricNames,
  type OrganEvaluation,
  type OrganSummary,
} from "./result.js";
import { spreadOf } from "./spread.js";

/**
 * Mean and population standard deviation of every organ over the cases, and of the organs' means. An organ that the
 * truth of no case covers is listed in `notAnnotated` and not scored; one that some case's truth covers counts as a
 * false positive wherever it is predicted and the truth does not have it.
 * @throws UsageError for cases evaluated at different tolerances.
 */
export function summarizeEvaluations(cases: readonly CaseEvaluation[]): EvaluationSummary {
  checkArguments("summarizeEvaluations", { cases: [cases, caseEvaluations] });
  const tolerance = cases[0]?.tolerance ?? 0;
  if (cases.some((each) => each.tolerance !== tolerance)) {
    throw new UsageError(
      "Cases evaluated at different tolerances have no common mean. Evaluate them at one.",
    );
  }
  const byOrgan = new Map<string, OrganEvaluation[]>();
  for (const { organs } of cases) {
    for (const [name, organ] of Object.entries(organs)) {
      byOrgan.set(name, [...(byOrgan.get(name) ?? []), organ]);
    }
  }
  const entries = [...byOrgan];
  const known = entries.filter(([, organs]) => organs.some(({ annotated }) => annotated));
  const organs = known.map(([name, each]): [string, OrganSummary] => [name, summarize(each)]);
  return {
    cases: cases.length,
    tolerance,
    organs: Object.fromEntries(organs),
    average: forMetrics((metric) =>
      spreadOf(organs.map(([, { metrics }]) => metrics[metric].mean)),
    ),
    notAnnotated: entries
      .filter(([, each]) => each.every(({ annotated }) => !annotated))
      .map(([name]) => name),
  };
}

function summarize(organs: readonly OrganEvaluation[]): OrganSummary {
  const count = (outcome: string) => organs.filter((organ) => organ.outcome === outcome).length;
  const absent = count("absent");
  return {
    cases: organs.length - absent,
    missed: count("missed"),
    falsePositives: count("false positive"),
    absent,
    metrics: forMetrics((metric) => spreadOf(organs.map((organ) => organ[metric]))),
  };
}

function forMetrics<T>(value: (metric: MetricName) => T): Record<MetricName, T> {
  return Object.fromEntries(metricNames.map((metric) => [metric, value(metric)])) as Record<
    MetricName,
    T
  >;
}
