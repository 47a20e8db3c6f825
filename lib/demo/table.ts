/** The demo's figures as text, for the terminal and the page. */
import { z } from "zod";
import { checkArguments } from "../base/arguments.js";
import { caseEvaluations, type OrganEvaluation } from "../evaluation/result.js";
import { summarizeEvaluations } from "../evaluation/summary.js";
import type { Demo } from "./result.js";

export interface DemoTable {
  /** Headings after the organ's name. */
  columns: string[];
  /** Cells for the columns, by organ. */
  rows: Map<string, string[]>;
  /** Means over the organs; a missed or falsely found one counts as 0 in overlaps and not at all in distances. */
  mean: string[];
}

const verdicts: Record<OrganEvaluation["outcome"], string> = {
  found: "",
  missed: "missed: it is there",
  "false positive": "false: it is not there",
  absent: "rightly absent",
};

export function demoTable(demo: Pick<Demo, "evaluation">): DemoTable {
  checkArguments("demoTable", { demo: [demo, z.object({ evaluation: caseEvaluations.element })] });
  const { evaluation } = demo;
  const { average } = summarizeEvaluations([evaluation]);
  const figures = (iou: number | null, wd: number | null, dice: number | null) => [
    figure(iou, 2),
    figure(wd, 1),
    figure(dice, 2),
  ];
  const row = ({ iou, wd, dice, outcome }: OrganEvaluation) => [
    ...figures(iou, wd, dice),
    verdicts[outcome],
  ];
  return {
    columns: ["IoU", "WD mm", "Dice", ""],
    rows: new Map(Object.entries(evaluation.organs).map(([name, organ]) => [name, row(organ)])),
    mean: [...figures(average.iou.mean, average.wd.mean, average.dice.mean), ""],
  };
}

function figure(value: number | null, digits: number): string {
  return value === null ? "" : value.toFixed(digits);
}
