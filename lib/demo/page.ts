/** The demo's page. */
import type { OrganEvaluation } from "../evaluation/result.js";
import type { Page, PageOrgan } from "../viewer/page.js";
import type { Demo } from "./result.js";
import { demoTable } from "./table.js";

/** Writes a page with the scan, the organs found in it, and their figures. */
export function demoPage(demo: Demo): Page {
  const { name, note, image, masks, localization, evaluation, geometry } = demo;
  const { columns, rows, mean } = demoTable(demo);
  const organ = (organName: string, { truth }: OrganEvaluation): PageOrgan => {
    const { label, present, box, parts } = localization.organs[organName] ?? {
      label: 0,
      present: false,
    };
    return {
      ...{ name: organName, label, present, cells: rows.get(organName) ?? [] },
      ...(box && { box, parts }),
      ...(truth.box && { truth: truth.box }),
    };
  };
  return {
    title: `medlsam demo: ${name}`,
    note,
    about: [
      `${demo.description} It was made from a seed that no training used, and comes from no patient.`,
      "Boxes found have the organ's color, true boxes are white. WD is the mean distance of the boxes' walls.",
    ],
    columns,
    organs: Object.entries(evaluation.organs).map((entry) => organ(...entry)),
    summary: mean,
    ...{ image, masks, ...geometry },
  };
}
