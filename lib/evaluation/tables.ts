/** Tables in the paper's form: a row for each organ, then the average, as mean ± standard deviation. */
import { checkArguments } from "../base/arguments.js";
import {
  type CaseEvaluation,
  caseEvaluations,
  type EvaluationSummary,
  evaluationSummary,
  type MetricName,
  metricNames,
  type Spread,
} from "./result.js";

interface Column {
  title: string;
  unit: "%" | "mm";
  /** Name in comma-separated values. */
  name: string;
}

const columns: Record<MetricName, Column> = {
  iou: { title: "IoU", unit: "%", name: "iou_percent" },
  wd: { title: "WD", unit: "mm", name: "wd_mm" },
  dice: { title: "DSC", unit: "%", name: "dsc_percent" },
  hd95: { title: "HD95", unit: "mm", name: "hd95_mm" },
  nsd: { title: "NSD", unit: "%", name: "nsd_percent" },
  assd: { title: "ASSD", unit: "mm", name: "assd_mm" },
};

/** A value in the column's unit. */
function scaled(value: number, metric: MetricName): number {
  return columns[metric].unit === "%" ? 100 * value : value;
}

/** A Markdown table, aligned so that it can be read as text, followed by notes on what the means leave out. */
export function evaluationMarkdown(summary: EvaluationSummary): string {
  checkArguments("evaluationMarkdown", { summary: [summary, evaluationSummary] });
  const heading = [
    "organ",
    "cases",
    ...metricNames.map((metric) => `${columns[metric].title} (${columns[metric].unit})`),
  ];
  const cells = (metrics: Record<MetricName, Spread>) =>
    metricNames.map((metric) => spreadCell(metrics[metric], metric));
  const rows = Object.entries(summary.organs).map(([name, organ]) => [
    markdownText(name),
    String(organ.cases),
    ...cells(organ.metrics),
  ]);
  const average = ["**average**", String(summary.cases), ...cells(summary.average)];
  return [...tableLines(heading, [...rows, average]), ...notes(summary)].join("\n");
}

function spreadCell({ mean, std }: Spread, metric: MetricName): string {
  if (mean === null || std === null) return "–";
  return `${scaled(mean, metric).toFixed(1)} ± ${scaled(std, metric).toFixed(1)}`;
}

function tableLines(heading: string[], rows: string[][]): string[] {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => pad(cell, widths[i] as number, i > 0)).join(" | ")} |`;
  const rule = widths.map(
    (width, i) => `${"-".repeat(i > 0 ? width - 1 : width)}${i > 0 ? ":" : ""}`,
  );
  return [line(heading), `| ${rule.join(" | ")} |`, ...rows.map(line)];
}

function pad(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}

function notes({ organs, tolerance, notAnnotated }: EvaluationSummary): string[] {
  const told = (text: string, key: "missed" | "falsePositives") => {
    const some = Object.entries(organs).filter(([, organ]) => organ[key] > 0);
    if (some.length === 0) return [];
    const names = some.map(([name, organ]) => `${markdownText(name)} (${organ[key]})`);
    return ["", `${text}: ${names.join(", ")}.`];
  };
  return [
    "",
    `Mean ± population standard deviation over the cases; NSD within ${tolerance} mm.`,
    ...told("Missed, IoU, DSC and NSD 0 and without a distance", "missed"),
    ...told("Predicted where the truth has none, counted likewise", "falsePositives"),
    ...(notAnnotated.length === 0
      ? []
      : ["", `In no truth, not scored: ${notAnnotated.map(markdownText).join(", ")}.`]),
  ];
}

/** Escapes a name, which comes from a file, so that it cannot end the cell or the line. */
function markdownText(name: string): string {
  return name
    .replace(/\s+/g, " ")
    .replace(/\p{Cc}/gu, "\ufffd")
    .replace(/[\\|`*<>[\]]/g, "\\$&");
}

/** Comma-separated values: a row for each organ, then the average. */
export function evaluationCsv(summary: EvaluationSummary): string {
  checkArguments("evaluationCsv", { summary: [summary, evaluationSummary] });
  const heading = metricNames.flatMap((metric) => {
    const { name } = columns[metric];
    return [`${name}_mean`, `${name}_std`, `${name}_count`];
  });
  const cells = (metrics: Record<MetricName, Spread>) =>
    metricNames.flatMap((metric) => {
      const { mean, std, count } = metrics[metric];
      return [number(mean, metric), number(std, metric), String(count)];
    });
  const rows = Object.entries(summary.organs).map(([name, organ]) => [
    name,
    ...[organ.cases, organ.missed, organ.falsePositives, organ.absent].map(String),
    ...cells(organ.metrics),
  ]);
  return csv([
    ["organ", "cases", "missed", "false_positives", "absent", ...heading],
    ...rows,
    ["average", String(summary.cases), "", "", "", ...cells(summary.average)],
  ]);
}

/** Comma-separated values: a row for each case and organ. */
export function casesCsv(cases: readonly CaseEvaluation[]): string {
  checkArguments("casesCsv", { cases: [cases, caseEvaluations] });
  const rows = cases.flatMap((each) =>
    Object.entries(each.organs).map(([name, organ]) => [
      each.case,
      name,
      organ.outcome,
      ...metricNames.map((metric) => number(organ[metric], metric)),
      ...[organ.prediction, organ.truth].map(({ volume }) => (volume === null ? "" : `${volume}`)),
    ]),
  );
  const metrics = metricNames.map((metric) => columns[metric].name);
  const volumes = ["prediction_mm3", "truth_mm3"];
  return csv([["case", "organ", "outcome", ...metrics, ...volumes], ...rows]);
}

function number(value: number | null, metric: MetricName): string {
  return value === null ? "" : String(scaled(value, metric));
}

function csv(rows: string[][]): string {
  const field = (text: string) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => row.map(field).join(",")).join("\n");
}
