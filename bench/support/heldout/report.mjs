/** The tables, with the targets and the figures reached. */
import { one, order, percent, plain, target, targetColumns, three } from "../figures.mjs";
import { printTable } from "../table.mjs";
import { calledPresent, figures, presentOrgans, verdictFigures } from "./figures.mjs";

const kinds = ["whole, found", "parts, found", "whole, given", "parts, given"];

/** Prints Markdown. `setup`: { machine, options, models } of the run. */
export function printReport(phantoms, setup) {
  const cases = presentOrgans(phantoms);
  const verdicts = verdictFigures(phantoms);
  printSetup(phantoms, setup);
  printOrgans(phantoms, cases, setup);
  printLocalization(cases, setup);
  if (setup.models.sam) printDice(cases);
  printVerdicts(verdicts);
  printTimes(phantoms, setup);
  printTargets(cases, verdicts, setup);
}

function printSetup(phantoms, { machine, options, models }) {
  const { path, width, parameters, fingerprint } = models.medlam;
  console.log(`${machine}\n`);
  console.log(
    `${phantoms.length} phantoms, seeds ${options.seeds[0]} to ${options.seeds.at(-1)}` +
      `${options.spacing ? ` at ${options.spacing} mm` : ""}; ${options.strategy.toUpperCase()} templates, ` +
      `${options.survey ? "organs placed by a survey of the scan" : "organs placed from the scan's middle"}.\n` +
      `MedLAM: ${path}, width ${width}, ${parameters} parameters, ${fingerprint}.` +
      (models.sam ? `\nSAM: ${models.sam.path}, ${models.sam.parameters} parameters.` : ""),
  );
}

function printOrgans(phantoms, cases, { options, models }) {
  console.log("\n### Organs\n");
  const found = calledPresent(cases);
  const columns = [
    { title: "IoU", of: figures(found, ({ boxes }) => boxes.main.iou), cell: three },
    { title: "WD (mm)", of: figures(found, ({ boxes }) => boxes.main.wd), cell: one },
    { title: "IoU, uncut", of: figures(uncut(found), ({ boxes }) => boxes.main.iou), cell: three },
    ...(models.sam ? kinds : []).map((kind) => ({
      title: `Dice: ${kind}`,
      of: figures(found, ({ dice }) => dice[kind]),
      cell: three,
    })),
  ];
  const count = (name, is) => phantoms.filter(({ organs }) => is(organs[name])).length;
  const names = [...new Set(cases.map(({ name }) => name))];
  const rows = names.map((name) => {
    const there = count(name, ({ truth }) => truth === "present");
    const missed = count(name, ({ truth, verdict }) => truth === "present" && !verdict.present);
    const wrong = count(name, ({ truth, verdict }) => truth !== "present" && verdict.present);
    return [
      name,
      `${there}`,
      ...columns.map(({ of, cell }) => cell(of.organs[name])),
      `${missed} of ${there}`,
      `${wrong} of ${phantoms.length - there}`,
    ];
  });
  const mean = columns.map(({ of, cell }) => cell(of.average));
  const heading = columns.map(({ title }) => title);
  printTable(
    ["organ", "present", ...heading, "called absent", "called present"],
    [...rows, ["**mean**", `${cases.length}`, ...mean, "", ""]],
  );
  console.log(
    `Mean ± population standard deviation over the scans that show the organ and where it is called present; the last row
is over the organs' means. Boxes of ${options.strategy.toUpperCase()}, ${options.supports[0]} supports. Left out of IoU, WD and Dice: what is called absent though
it is there, and the other way round; the last two columns count both. "Uncut": the edge of the scan does not cut the organ.`,
  );
}

const uncut = (cases) => cases.filter(({ organ }) => !organ.cut);

/** Cases with Dice from all kinds of boxes. */
const comparedDice = (cases) =>
  cases.filter(({ organ }) => kinds.every((kind) => kind in organ.dice));

/** The variants of localization that any of the cases has, in the order of the table, with their names there. */
function variants({ strategy, supports }, cases) {
  const [most, ...fewer] = supports;
  const other = strategy === "wpl" ? "spl" : "wpl";
  const title = (kind, count) => `${kind.toUpperCase()}, ${count} support${count > 1 ? "s" : ""}`;
  return [
    ["uam", `${title(strategy, most)}, UAM alone`],
    ...fewer.toReversed().map((count) => [`${count}`, title(strategy, count)]),
    ["main", title(strategy, most)],
    ["other", title(other, most)],
  ].filter(([variant]) => cases.some(({ organ }) => organ.boxes[variant]));
}

/** Only organs that all variants know, whatever the verdict: the same for every row. */
function comparable(cases, names) {
  return cases.filter(({ organ }) => names.every((name) => organ.boxes[name]));
}

function printLocalization(cases, { options }) {
  const shown = variants(options, cases);
  const same = comparable(
    cases,
    shown.map(([variant]) => variant),
  );
  const print = (of, rows) => {
    printTable(
      ["templates", "IoU", "WD (mm)", "IoU, uncut"],
      rows.map(([variant, title]) => [
        title,
        three(figures(of, ({ boxes }) => boxes[variant].iou).average),
        one(figures(of, ({ boxes }) => boxes[variant].wd).average),
        three(figures(uncut(of), ({ boxes }) => boxes[variant].iou).average),
      ]),
    );
    console.log(
      `The same ${of.length} organs in every row, whether or not they are called absent. UAM and MSS, where nothing is said.`,
    );
  };
  console.log("\n### Supports, UAM and MSS\n");
  if (same.length < cases.length) {
    print(
      cases,
      shown.filter(([variant]) => ["uam", "main"].includes(variant)),
    );
    console.log("");
  }
  print(same, shown);
}

function printDice(cases) {
  console.log("\n### Boxes found and given, WPL and SPL\n");
  const missedAsZero = (kind) => (organ) =>
    organ.dice[kind] === undefined ? undefined : organ.verdict.present ? organ.dice[kind] : 0;
  const overall = (of, pick) => three(figures(of, pick).average);
  const compared = comparedDice(cases);
  const row = (of, kind, note) => [
    `${kind}${note}`,
    overall(calledPresent(of), ({ dice }) => dice[kind]),
    kind.endsWith("given") ? "–" : overall(of, missedAsZero(kind)),
    overall(of, ({ dice }) => dice[kind]),
  ];
  const some = compared.length < cases.length;
  const all = some ? kinds.filter((kind) => cases.every(({ organ }) => kind in organ.dice)) : [];
  printTable(
    ["boxes", "Dice where called present", "called absent as 0", "whatever the verdict"],
    [
      ...all.map((kind) => row(cases, kind, "")),
      ...(compared.length > 0 ? kinds : []).map((kind) =>
        row(compared, kind, some ? " (compared organs)" : ""),
      ),
    ],
  );
  console.log(
    `Whole boxes are WPL's, parts SPL's; given ones are those of the label map, cut into as many parts. Verdicts are those of
the templates above. Mean ± standard deviation of the organs' means.`,
  );
}

function printVerdicts({ indicators, counts, falseAbsent, falsePresent }) {
  const { present, removed, outside } = counts;
  console.log("\n### Present or absent\n");
  printTable(
    [
      "decided by",
      "AUC",
      "taken out",
      "outside",
      "best threshold",
      "called absent",
      "called present",
    ],
    indicators.map(({ name, all, takenOut, outOfScan, best }) => [
      name,
      ...[all, takenOut, outOfScan, best.threshold].map(plain),
      ...[best.missed, best.false].map(percent),
    ]),
  );
  console.log(
    `${present} organs that are there against ${removed} that were taken out and ${outside} that lie outside the scan. AUC: of both
kinds together, and of each. The threshold makes the sum of both error rates least on these very scans. As shipped:
${falseAbsent} of ${present} called absent (${percent(falseAbsent / present)}), called present ${falsePresent.removed} of ${removed} taken out and ${falsePresent.outside} of ${outside} outside
(${percent((falsePresent.removed + falsePresent.outside) / (removed + outside))}).`,
  );
}

function printTimes(phantoms, { options, models }) {
  console.log("\n### Time\n");
  const row = (title, pick) => {
    const values = phantoms.map(({ seconds }) => pick(seconds)).filter(Number.isFinite);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [title, plain(mean), plain(Math.max(...values))];
  };
  printTable(
    ["seconds a scan", "mean", "most"],
    [
      row("making the phantom", ({ phantom }) => phantom),
      row(
        `localizing, ${options.strategy.toUpperCase()}, all organs`,
        ({ localization }) => localization.total,
      ),
      row("of that the network", ({ localization }) => localization.network),
      row("patches", ({ localization }) => localization.patches),
      ...(models.sam
        ? [
            row("segmenting from four kinds of boxes", ({ segmentation }) => segmentation?.total),
            row("of that the encoder", ({ segmentation }) => segmentation?.encode),
            row("encoded slices", ({ segmentation }) => segmentation?.encoderRuns),
            row("prompts", ({ segmentation }) => segmentation?.prompts),
          ]
        : []),
    ],
  );
  console.log("The grid, made once for all templates, is not in the time of localizing.");
}

function printTargets(cases, verdicts, { options, models }) {
  const found = calledPresent(cases);
  const box = (of, variant, figure) =>
    figures(of, ({ boxes }) => boxes[variant]?.[figure]).average.mean ?? Number.NaN;
  const known = variants(options, cases).map(([variant]) => variant);
  const same = comparable(cases, known);
  const iou = (variant) => box(same, variant, "iou");
  const fewer = options.supports.slice(1).filter((count) => known.includes(`${count}`));
  const rising = [...fewer.toReversed(), "main"];
  const shipped = verdicts.indicators.find(({ name }) => name.startsWith("lesser"));
  const score = verdicts.indicators.find(({ name }) => name === "score");
  const lines = [
    target(`mean IoU, ${options.supports[0]} supports`, box(found, "main", "iou"), "≥", 0.6),
    target("mean WD, mm", box(found, "main", "wd"), "≤", 8),
    order("IoU: UAM alone < UAM and MSS", [iou("uam"), iou("main")]),
    ...(rising.length > 1
      ? [order(`IoU: ${options.supports.toReversed().join(" < ")} supports`, rising.map(iou))]
      : []),
    ...(models.sam ? diceTargets(cases, found) : []),
    target("AUC of the score alone", score.all, "≥", 0.95),
    target(`AUC of ${shipped.name}`, shipped.all, "≥", 0.95),
  ];
  console.log("\n### Targets\n");
  printTable(targetColumns, lines);
}

function diceTargets(cases, found) {
  const dice = (of, kind) => figures(of, ({ dice }) => dice[kind]).average.mean ?? Number.NaN;
  const compared = comparedDice(cases);
  const strategies = ["whole", "parts"].map((kind) => dice(compared, `${kind}, found`));
  return ["parts", "whole"]
    .filter((kind) => found.some(({ organ }) => `${kind}, found` in organ.dice))
    .flatMap((kind) => {
      const [reached, given] = [`${kind}, found`, `${kind}, given`].map((each) =>
        dice(found, each),
      );
      const name = kind === "parts" ? "SPL" : "WPL";
      return [
        target(`mean Dice, boxes found (${name})`, reached, "≥", 0.85),
        target(`the same with boxes given, less it`, given - reached, "≤", 0.05),
      ];
    })
    .concat(compared.length > 0 ? [order("Dice: WPL ≤ SPL", strategies, true)] : []);
}
