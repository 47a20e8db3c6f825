import { describe, expect, it } from "vitest";
import {
  type CaseEvaluation,
  casesCsv,
  evaluationCsv,
  evaluationMarkdown,
  type OrganEvaluation,
  type Outcome,
  organSpreads,
  summarizeEvaluations,
  UsageError,
} from "../../lib/index.js";

const extent = { voxels: 10, volume: 20, box: null };

function organ(outcome: Outcome, figures: Partial<OrganEvaluation> = {}): OrganEvaluation {
  const zero = outcome === "found" || outcome === "absent" ? null : 0;
  const overlaps = { iou: zero, dice: zero, nsd: zero };
  const distances = { wd: null, hd95: null, assd: null };
  return {
    ...{ outcome, annotated: true, prediction: extent, truth: extent },
    ...overlaps,
    ...distances,
    ...figures,
  };
}

function found(dice: number, hd95: number): OrganEvaluation {
  return organ("found", { iou: dice / 2, wd: hd95 / 2, dice, hd95, nsd: dice, assd: hd95 / 4 });
}

function evaluated(
  name: string,
  organs: Record<string, OrganEvaluation>,
  tolerance = 2,
): CaseEvaluation {
  return { case: name, prediction: "", truth: "", tolerance, organs };
}

const cases = [
  evaluated("a", {
    liver: found(0.9, 4),
    spleen: found(0.6, 10),
    odd: organ("false positive", { annotated: false }),
  }),
  evaluated("b", {
    liver: found(0.7, 8),
    spleen: organ("missed"),
    odd: organ("false positive", { annotated: false }),
  }),
  evaluated("c", { liver: organ("absent"), spleen: organ("false positive", { annotated: false }) }),
];
const summary = summarizeEvaluations(cases);

describe("means over the cases", () => {
  it("have the population standard deviation", () => {
    const { liver } = summary.organs;
    expect(liver).toMatchObject({ cases: 2, missed: 0, falsePositives: 0, absent: 1 });
    expect(liver?.metrics.dice.mean).toBeCloseTo(0.8, 12);
    expect(liver?.metrics.dice.std).toBeCloseTo(0.1, 12);
    expect(liver?.metrics.hd95).toEqual({ mean: 6, std: 2, count: 2 });
  });

  it("count missed and falsely found organs as no overlap, and their infinite distances not at all", () => {
    const { spleen } = summary.organs;
    expect(spleen).toMatchObject({ cases: 3, missed: 1, falsePositives: 1, absent: 0 });
    expect(spleen?.metrics.dice.mean).toBeCloseTo(0.2, 12);
    expect(spleen?.metrics.dice.count).toBe(3);
    expect(spleen?.metrics.hd95).toEqual({ mean: 10, std: 0, count: 1 });
    expect(spleen?.metrics.wd).toEqual({ mean: 5, std: 0, count: 1 });
  });

  it("do not score an organ that no truth knows", () => {
    expect(Object.keys(summary.organs)).toEqual(["liver", "spleen"]);
    expect(summary.notAnnotated).toEqual(["odd"]);
  });

  it("are averaged over the organs, each weighing the same", () => {
    expect(summary.average.dice.mean).toBeCloseTo(0.5, 12);
    expect(summary.average.dice.std).toBeCloseTo(0.3, 12);
    expect(summary.average.hd95).toEqual({ mean: 8, std: 2, count: 2 });
  });

  it("are null without a value", () => {
    const missed = summarizeEvaluations([evaluated("a", { liver: organ("missed") })]);
    const nothing = { mean: null, std: null, count: 0 };
    expect(missed.organs.liver?.metrics.hd95).toEqual(nothing);
    expect(missed.average.hd95).toEqual(nothing);
    expect(missed.average.dice).toEqual({ mean: 0, std: 0, count: 1 });
    expect(summarizeEvaluations([])).toMatchObject({ cases: 0, organs: {}, notAnnotated: [] });
  });

  it("refuse cases of different tolerances", () => {
    expect(() => summarizeEvaluations([evaluated("a", {}), evaluated("b", {}, 3)])).toThrow(
      UsageError,
    );
  });
});

describe("tables", () => {
  it("Markdown: a row per organ, then the average, overlaps in per cent", () => {
    expect(evaluationMarkdown(summary)).toBe(`\
| organ       | cases |     IoU (%) |   WD (mm) |     DSC (%) |  HD95 (mm) |     NSD (%) | ASSD (mm) |
| ----------- | ----: | ----------: | --------: | ----------: | ---------: | ----------: | --------: |
| liver       |     2 |  40.0 ± 5.0 | 3.0 ± 1.0 | 80.0 ± 10.0 |  6.0 ± 2.0 | 80.0 ± 10.0 | 1.5 ± 0.5 |
| spleen      |     3 | 10.0 ± 14.1 | 5.0 ± 0.0 | 20.0 ± 28.3 | 10.0 ± 0.0 | 20.0 ± 28.3 | 2.5 ± 0.0 |
| **average** |     3 | 25.0 ± 15.0 | 4.0 ± 1.0 | 50.0 ± 30.0 |  8.0 ± 2.0 | 50.0 ± 30.0 | 2.0 ± 0.5 |

Mean ± population standard deviation over the cases; NSD within 2 mm.

Missed, IoU, DSC and NSD 0 and without a distance: spleen (1).

Predicted where the truth has none, counted likewise: spleen (1).

In no truth, not scored: odd.`);
  });

  it("Markdown: dashes where there is no value, names from files kept in their cell", () => {
    const name = "left | kidney\n`\u001b[2J";
    const text = evaluationMarkdown(
      summarizeEvaluations([evaluated("a", { [name]: organ("missed") })]),
    );
    const row = text.split("\n")[2] as string;
    expect(row).toContain("left \\| kidney \\`\ufffd\\[2J");
    expect(row.split(" | ").at(-1)).toMatch(/^ *– \|$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(text).not.toMatch(/\u001b/);
  });

  it("CSV over the cases and of each case", () => {
    const [heading, liver, spleen, average, ...more] = evaluationCsv(summary).split("\n");
    expect(heading).toMatch(
      /^organ,cases,missed,false_positives,absent,iou_percent_mean,iou_percent_std,iou_percent_count,wd_mm_mean/,
    );
    expect(liver).toMatch(/^liver,2,0,0,1,40,/);
    expect(spleen?.split(",")).toHaveLength(heading?.split(",").length as number);
    expect(average).toMatch(/^average,3,,,,25,/);
    expect(more).toEqual([]);
    const awkward = casesCsv([evaluated('x,"y"', { liver: found(0.9, 4), b: organ("missed") })]);
    expect(awkward.split("\n")).toEqual([
      "case,organ,outcome,iou_percent,wd_mm,dsc_percent,hd95_mm,nsd_percent,assd_mm,prediction_mm3,truth_mm3",
      '"x,""y""",liver,found,45,2,90,4,90,1,20,20',
      '"x,""y""",b,missed,0,,0,,0,,20,20',
    ]);
  });
});

describe("organSpreads", () => {
  it("has a mean and a deviation by organ, and gives every organ the same weight", () => {
    const figure = (organ: string, value: number | null) => ({ organ, value });
    const { organs, average } = organSpreads([
      ...[figure("liver", 1), figure("spleen", 10), figure("liver", 3)],
      ...[figure("liver", null), figure("heart", null)],
    ]);
    expect(organs).toEqual({
      liver: { mean: 2, std: 1, count: 2 },
      spleen: { mean: 10, std: 0, count: 1 },
      heart: { mean: null, std: null, count: 0 },
    });
    expect(average).toEqual({ mean: 6, std: 4, count: 2 });
  });
});
