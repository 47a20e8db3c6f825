/** The benchmark's tables. */
import { organSpreads } from "../../../dist/index.js";
import { printTable } from "../table.mjs";
import { paper } from "./paper.mjs";

/** Organs whose boxes the mark and the paper share; the mean of the four goes beside that of all. */
const four = ["Brainstem", "RightParotid", "LeftParotid", "Mandible"];

/** Prints Markdown. */
export function printReport({ machine, rows, results, networks, patients, survey, supports }) {
  const { path, width, patch, parameters, fingerprint } = networks.main;
  console.log(`${machine}\n`);
  console.log(
    `${patients.measured.length} heads and necks of OpenKBP; templates of ${patients.supports.join(", ")}; ` +
      `${survey ? "with surveys" : "without surveys"}.\n` +
      `MedLAM: ${path}, width ${width}, patches of ${patch}³, ${parameters} parameters, ${fingerprint}.`,
  );
  const measured = rows.map((row) => ({ ...row, cases: casesOf(row, results, patients) }));
  const [main] = measured.filter(({ step }) => step === "boxes");
  if (main) printOrgans(main, supports[0]);
  printRows(measured);
}

/** { name, figures } of every organ that is there. */
function casesOf({ key }, results, { measured }) {
  return measured.flatMap((patient) =>
    Object.entries(results.read(key, patient)?.figures ?? {}).map(([name, figures]) => ({
      name,
      figures,
    })),
  );
}

const spreads = (cases, figure) =>
  organSpreads(cases.map(({ name, figures }) => ({ organ: name, value: figures[figure] })));

function printOrgans({ title, cases }) {
  console.log(`\n### Boxes: ${title}\n`);
  const [iou, wd] = [spreads(cases, "iou"), spreads(cases, "wd")];
  const names = Object.keys(iou.organs);
  printTable(
    ["organ", "scans", "IoU", "WD (mm)", "called absent", "paper: IoU", "paper: WD (mm)"],
    [
      ...names.map((name) => {
        const missed = cases.filter((each) => each.name === name && !each.figures.present).length;
        const theirs = paper.boxes[name];
        return [
          name,
          `${iou.organs[name].count}`,
          two(iou.organs[name]),
          one(wd.organs[name]),
          `${missed}`,
          theirs?.iou.toFixed(3) ?? "–",
          theirs?.wd.toFixed(1) ?? "–",
        ];
      }),
      ["**mean**", `${cases.length}`, two(iou.average), one(wd.average), "", "", ""],
    ],
  );
  console.log(
    `Mean ± population standard deviation over the patients, whatever the verdict; the last row is over the organs' means.
${paper.note}`,
  );
}

function printRows(rows) {
  console.log("\n### Supports, strategies, UAM and MSS\n");
  const some = (cases) => cases.filter(({ name }) => four.includes(name));
  printTable(
    ["boxes", "scans", "IoU, all", "WD, all (mm)", "IoU, four", "WD, four (mm)"],
    rows.map(({ title, cases }) => [
      title,
      `${cases.length}`,
      two(spreads(cases, "iou").average),
      one(spreads(cases, "wd").average),
      two(spreads(some(cases), "iou").average),
      one(spreads(some(cases), "wd").average),
    ]),
  );
  console.log(`Four: ${four.join(", ")}. UAM and MSS, where nothing is said.`);
}

const pair = (digits) => (spread) =>
  spread === undefined || spread.count === 0
    ? "–"
    : `${spread.mean.toFixed(digits)} ± ${spread.std.toFixed(digits)}`;
const [one, two] = [pair(1), pair(3)];
