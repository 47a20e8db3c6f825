/** The benchmark's tables. */
import { organSpreads } from "../../../dist/index.js";
import { one, order, percent, plain, target, targetColumns, three } from "../figures.mjs";
import { indicators } from "../heldout/figures.mjs";
import { auc } from "../heldout/statistics.mjs";
import { printTable } from "../table.mjs";
import { absentKey } from "./absent.mjs";
import { masksKey, segmentedRows } from "./masks.mjs";
import { paper } from "./paper.mjs";

/** Organs of which the targets and the paper's table speak: the mean of these stands beside that of all. */
const four = ["Brainstem", "RightParotid", "LeftParotid", "Mandible"];
const isOfFour = ({ name }) => four.includes(name);

/** Prints Markdown of whatever the results hold. */
export function printReport(context) {
  const { rows, results, networks, patients } = context;
  printSetup(context);
  const measured = rows.map((row) => ({ ...row, cases: casesOf(row.key, results, patients) }));
  const main = measured.find(({ role }) => role === "main");
  const segmented = segmentedRows(rows);
  const masks = networks.sam && casesOf(masksKey(segmented, networks), results, patients);
  const verdicts = main && verdictsOf(main, results, patients);
  if (main) printOrgans(main);
  printRows(measured);
  if (masks) printMasks(masks, segmented);
  if (verdicts) printVerdicts(verdicts);
  printTargets(measured, masks, verdicts);
}

function printSetup({ machine, networks, patients, survey }) {
  const { path, width, patch, parameters, fingerprint } = networks.main;
  console.log(`${machine}\n`);
  console.log(
    `${patients.measured.length} heads and necks of OpenKBP; templates of ${patients.supports.join(", ")}; ` +
      `${survey ? "with surveys" : "without surveys"}.\n` +
      `MedLAM: ${path}, width ${width}, patches of ${patch}³, ${parameters} parameters, ${fingerprint}.` +
      (networks.sam ? `\nSAM: ${networks.sam.path}, ${networks.sam.parameters} parameters.` : ""),
  );
}

/** { name, figures } of every organ of every patient that a row has. */
function casesOf(key, results, { measured }) {
  return measured.flatMap((patient) =>
    Object.entries(results.read(key, patient)?.figures ?? {}).map(([name, figures]) => ({
      name,
      figures,
    })),
  );
}

const spreads = (cases, pick) =>
  organSpreads(cases.map(({ name, figures }) => ({ organ: name, value: pick(figures) ?? null })));
const mean = (cases, pick) => spreads(cases, pick).average.mean ?? Number.NaN;
const [iou, wd] = [(figures) => figures.iou, (figures) => figures.wd];

function printOrgans({ title, cases }) {
  console.log(`\n### Boxes: ${title}\n`);
  const [overlap, distance] = [spreads(cases, iou), spreads(cases, wd)];
  printTable(
    [
      "organ",
      "scans",
      "IoU",
      "WD (mm)",
      "called absent",
      "paper: IoU",
      "WD (mm)",
      "nnDetection: IoU",
    ],
    [
      ...Object.keys(overlap.organs).map((name) => {
        const theirs = paper.boxes[name];
        const missed = cases.filter((each) => each.name === name && !each.figures.present).length;
        return [
          ...[name, `${overlap.organs[name].count}`],
          ...[three(overlap.organs[name]), one(distance.organs[name]), `${missed}`],
          ...[plain(theirs?.iou), theirs?.wd.toFixed(1) ?? "–", plain(theirs?.detection)],
        ];
      }),
      [
        "**mean**",
        `${cases.length}`,
        three(overlap.average),
        one(distance.average),
        "",
        "",
        "",
        "",
      ],
    ],
  );
  console.log(
    `Mean ± population standard deviation over the patients, whatever the verdict; the last row is over the organs' means.
${paper.note}`,
  );
}

function printRows(rows) {
  if (rows.length === 0) return;
  console.log("\n### Supports, strategies, models, UAM and MSS\n");
  printTable(
    ["boxes", "organs", "IoU, all", "WD, all (mm)", "IoU, four", "WD, four (mm)"],
    rows.map(({ title, cases }) => {
      const some = cases.filter(isOfFour);
      return [
        ...[title, `${cases.length}`],
        ...[three(spreads(cases, iou).average), one(spreads(cases, wd).average)],
        ...[three(spreads(some, iou).average), one(spreads(some, wd).average)],
      ];
    }),
  );
  console.log(`Four: ${four.join(", ")}. UAM and MSS, where nothing is said.`);
}

const kindsOf = (rows) =>
  rows.flatMap(({ strategy }) => [`${strategy}, found`, `${strategy}, given`]);

function printMasks(cases, rows) {
  console.log("\n### Masks\n");
  const kinds = kindsOf(rows);
  const columns = kinds.flatMap((kind) => [
    { title: `Dice: ${kind}`, pick: (figures) => figures[kind]?.dice, cell: three },
    { title: "HD95 (mm)", pick: (figures) => figures[kind]?.hd95, cell: one },
  ]);
  const all = columns.map(({ pick, cell }) => ({ of: spreads(cases, pick), cell }));
  const some = columns.map(({ pick, cell }) => ({
    of: spreads(cases.filter(isOfFour), pick),
    cell,
  }));
  printTable(
    ["organ", ...columns.map(({ title }) => title), "paper, found: MedSAM", "SAM"],
    [
      ...Object.keys(all[0].of.organs).map((name) => {
        const theirs = paper.dice[name];
        return [
          name,
          ...all.map(({ of, cell }) => cell(of.organs[name])),
          ...[plain(theirs?.medSam), plain(theirs?.sam)],
        ];
      }),
      ["**mean of four**", ...some.map(({ of, cell }) => cell(of.average)), "", ""],
      ["**mean**", ...all.map(({ of, cell }) => cell(of.average)), "", ""],
    ],
  );
  console.log(
    "Of all organs that are annotated, whatever the verdict; given boxes are the label map's. HD95 leaves out empty masks.",
  );
}

/** Verdicts on organs in whole scans, which show them all, and in cut ones. */
function verdictsOf(main, results, { measured }) {
  const agreements = new Map(main.templates.organs.map(({ name, agreement }) => [name, agreement]));
  const whole = measured.flatMap((patient) => {
    const { figures = {}, found } = results.read(main.key, patient) ?? {};
    return Object.keys(figures).map((name) => {
      const { present, score, margin } = found.organs[name];
      const verdict = { present, score, margin, agreement: agreements.get(name) };
      return { truth: "present", verdict };
    });
  });
  const cut = measured.flatMap((patient) =>
    Object.values(results.read(absentKey(main), patient)?.verdicts ?? {}).flatMap(Object.values),
  );
  if (cut.length === 0) return undefined;
  const of = (truth) => [...whole, ...cut].filter((organ) => organ.truth === truth);
  return { present: of("present"), outside: of("outside") };
}

/** Those that no other boxes are needed for. */
const shown = Object.entries(indicators).filter(([name]) => !name.includes("moved"));
/** The score alone, and what decides as shipped. */
const decisive = ["score", shown.map(([name]) => name).find((name) => name.startsWith("lesser"))];
const aucOf = ({ present, outside }, indicator) =>
  auc(...[present, outside].map((organs) => organs.map(({ verdict }) => indicator(verdict))));

function printVerdicts(verdicts) {
  console.log("\n### Present or absent\n");
  printTable(
    ["decided by", "AUC"],
    shown.map(([name, indicator]) => [name, plain(aucOf(verdicts, indicator))]),
  );
  const { present, outside } = verdicts;
  const missed = present.filter(({ verdict }) => !verdict.present).length;
  const wrong = outside.filter(({ verdict }) => verdict.present).length;
  console.log(
    `${present.length} organs that are there, in whole and in cut scans, against ${outside.length} outside of cut ones. As shipped: ${missed}
called absent (${percent(missed / present.length)}), ${wrong} called present (${percent(wrong / outside.length)}).`,
  );
}

function printTargets(rows, masks, verdicts) {
  const of = (role) => rows.filter((row) => row.role === role).map(({ cases }) => cases);
  const [main] = of("main");
  if (!main) return;
  const some = main.filter(isOfFour);
  const [uam, other] = [of("uam")[0], of("strategy")[0]];
  const fewer = of("fewer").toReversed();
  const counts = [...rows.filter(({ role }) => role === "fewer")]
    .reverse()
    .map(({ count }) => count);
  const lines = [
    target("mean IoU of four", mean(some, iou), "≥", 0.65),
    target("mean IoU of all", mean(main, iou), "≥", 0.55),
    target("mean WD of four, mm", mean(some, wd), "≤", 4),
    target("mean WD of all, mm", mean(main, wd), "≤", 6),
    ...(uam ? [order("IoU: UAM alone < UAM and MSS", [mean(uam, iou), mean(main, iou)])] : []),
    ...(fewer.length > 0
      ? [
          order(
            `IoU: ${counts.join(", ")} and all supports`,
            [...fewer, main].map((cases) => mean(cases, iou)),
          ),
        ]
      : []),
    ...(masks ? maskTargets(masks, rows.find(({ role }) => role === "main").strategy, other) : []),
    ...(verdicts
      ? decisive.map((name) =>
          target(`AUC of ${name}`, aucOf(verdicts, indicators[name]), "≥", 0.95),
        )
      : []),
  ];
  console.log("\n### Targets\n");
  printTable(targetColumns, lines);
}

function maskTargets(masks, strategy, other) {
  const some = masks.filter(isOfFour);
  const dice = (cases, kind) => mean(cases, (figures) => figures[kind]?.dice);
  const found = dice(some, `${strategy}, found`);
  return [
    target("mean Dice of four, boxes found", found, "≥", 0.7),
    target(
      "the same with boxes given, less it",
      dice(some, `${strategy}, given`) - found,
      "≤",
      0.06,
    ),
    ...(other
      ? [order("Dice: WPL ≤ SPL", [dice(masks, "wpl, found"), dice(masks, "spl, found")], true)]
      : []),
  ];
}
