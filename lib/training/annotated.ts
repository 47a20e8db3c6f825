/** Errors of the boxes of annotated scans, localized with the weights that training has reached. */

import type { Progress } from "../addon/call.js";
import { UsageError } from "../base/errors.js";
import { evaluate } from "../evaluation/evaluate.js";
import type { CaseEvaluation, MetricName, OrganSummary } from "../evaluation/result.js";
import { summarizeEvaluations } from "../evaluation/summary.js";
import { buildTemplates } from "../localization/build.js";
import { localize } from "../localization/localize.js";
import { MedLam } from "../localization/medlam.js";
import type { Templates } from "../localization/templates.js";
import type { ReadOptions } from "../volumes/read.js";

import type { AnnotatedScan } from "./scans.js";

export interface BoxErrorOptions extends ReadOptions {
  device?: string;
  normalized?: boolean;
  onProgress?: (progress: Progress) => void;
}

/** Means over the organs, each of its mean over the scans; left out where no organ of the supports is in another scan. */
export interface BoxErrors {
  iou?: number;
  /** mm; an organ that was placed outside of the scan has no wall distance, and an IoU of 0. */
  wdMm?: number;
  /** The same of each organ, by its name. */
  organIou?: Record<string, number>;
  organWdMm?: Record<string, number>;
}

const mostSupports = 5;

/** @throws UsageError unless there are as many label maps as scans, and two at least. */
export function annotatedScans(images: readonly string[], labels: readonly string[]) {
  if (labels.length > 0 && labels.length !== images.length) {
    throw new UsageError(
      `There are ${images.length} validation scans, but ${labels.length} label maps. Give each scan its own, in the same order.`,
    );
  }
  if (labels.length === 1) {
    throw new UsageError(
      "Give at least two annotated validation scans: one supplies templates, the other is searched.",
    );
  }
  return labels.map((path, i): AnnotatedScan => ({ image: images[i] as string, labels: path }));
}

/**
 * Makes templates (Whole-Patch Localization) from the first half of the scans, five at most, localizes their organs in
 * the others, and compares the boxes with those of the label maps. Whether an organ is there is not asked: those that
 * the scan has are looked for.
 * @throws what loading, building templates, localizing and evaluating do.
 */
export async function boxErrors(
  model: string,
  scans: readonly AnnotatedScan[],
  options: BoxErrorOptions,
): Promise<BoxErrors> {
  const supports = Math.min(mostSupports, Math.floor(scans.length / 2));
  const { onProgress, ...call } = options;
  const medlam = await MedLam.load(model, { ...call, runtime: "torch", precision: "float32" });
  try {
    const templates = await buildTemplates({ ...call, medlam, supports: scans.slice(0, supports) });
    try {
      const queries = scans.slice(supports);
      const cases: CaseEvaluation[] = [];
      for (const query of queries) {
        onProgress?.({ phase: "validate", done: cases.length, total: queries.length });
        cases.push(await evaluateBoxes(query, medlam, templates, call));
      }
      const { organs, average } = summarizeEvaluations(cases);
      const { iou, wd } = average;
      return {
        ...(iou.mean !== null && { iou: iou.mean, organIou: meansOf(organs, "iou") }),
        ...(wd.mean !== null && { wdMm: wd.mean, organWdMm: meansOf(organs, "wd") }),
      };
    } finally {
      templates.close();
    }
  } finally {
    medlam.close();
  }
}

/** Means of one figure, of the organs that have it. */
function meansOf(organs: Record<string, OrganSummary>, metric: MetricName): Record<string, number> {
  return Object.fromEntries(
    Object.entries(organs).flatMap(([name, { metrics }]) => {
      const { mean } = metrics[metric];
      return mean === null ? [] : [[name, mean]];
    }),
  );
}

async function evaluateBoxes(
  { image, labels }: AnnotatedScan,
  medlam: MedLam,
  templates: Templates,
  options: BoxErrorOptions,
): Promise<CaseEvaluation> {
  const boxes = await localize(image, { ...options, medlam, templates, minScore: -1 });
  const evaluation = await evaluate({
    ...options,
    boxes,
    truth: labels,
    image,
    organs: templates.organs.map(({ name }) => name),
  });
  const inScan = Object.entries(evaluation.organs).filter(
    ([, { outcome }]) => outcome === "found" || outcome === "missed",
  );
  return { ...evaluation, organs: Object.fromEntries(inScan) };
}
