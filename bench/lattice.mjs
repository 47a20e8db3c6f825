/**
 * `node bench/lattice.mjs TEMPLATES [--phantoms N] [--cases FILE] [--medlam FILE] [--runtime NAME]`: what search patches on
 * a lattice save, and what they cost in accuracy, on phantoms that no training used, or on cases: JSON lines of
 * { image, labels, names: { label: name } }. The survey of a scan serves all lattices. Prints a line a scan, then Markdown.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  evaluate,
  Grid,
  labelBoxes,
  localize,
  MedLam,
  makePhantom,
  Templates,
  Volume,
} from "../dist/index.js";
import { describeMachine } from "./support/machine.mjs";
import { printTable } from "./support/table.mjs";

const lattices = [0, 8, 16];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    phantoms: { type: "string", default: "40" },
    first: { type: "string", default: "30001" },
    cases: { type: "string" },
    medlam: { type: "string", default: "models/demo-medlam.safetensors" },
    runtime: { type: "string" },
  },
});
const threads = 2;
const medlam = await MedLam.load(values.medlam, { threads, runtime: values.runtime });
const templates = await Templates.open(positionals[0]);
const survey = templates.survey ?? false;
const organs = new Map(lattices.map((lattice) => [lattice, []]));
const timings = new Map(lattices.map((lattice) => [lattice, []]));

for await (const scan of scans()) {
  await measure(scan);
  for (const volume of [scan.image, scan.labels]) volume.close();
}
console.log(await describeMachine(threads));
const points = templates.organs.reduce((sum, { parts }) => sum + 6 * parts, 0);
const whole = organs.get(0);
printTable(
  [
    `lattice, ${points} points`,
    "patches to search",
    "network",
    "similarity",
    "IoU",
    "WD, mm",
    "IoU lost",
  ],
  lattices.map((lattice) => {
    const each = organs.get(lattice),
      times = timings.get(lattice);
    const lost = mean(whole.map(({ iou }, i) => iou - each[i].iou));
    return [
      lattice === 0 ? "none" : `${lattice} voxels`,
      mean(times.map(({ patches }) => patches)).toFixed(1),
      `${mean(times.map(({ network }) => network)).toFixed(2)} s`,
      `${mean(times.map(({ similarity }) => similarity)).toFixed(2)} s`,
      mean(each.map(({ iou }) => iou)).toFixed(4),
      mean(each.map(({ wd }) => wd)).toFixed(2),
      lost.toFixed(4),
    ];
  }),
);
console.log(`${whole.length} organs in ${timings.get(0).length} scans.`);

async function* scans() {
  if (values.cases !== undefined) {
    for (const line of readFileSync(values.cases, "utf8").trim().split("\n")) {
      const { image, labels, names } = JSON.parse(line);
      const map = new Map(Object.entries(names).map(([label, name]) => [Number(label), name]));
      yield { image: await Volume.read(image), labels: await Volume.read(labels), names: map };
    }
  } else {
    for (let i = 0; i < Number(values.phantoms); i++)
      yield await makePhantom({ seed: Number(values.first) + i, threads });
  }
}

/** All lattices on one grid, whose survey is made before any is timed. */
async function measure({ image, labels, names }) {
  const grid = await Grid.make(image, { threads });
  try {
    const common = { medlam, templates, grid, survey, threads };
    const { timing: ahead } = await localize(image, { ...common, scales: [] });
    const truth = await labelBoxes(labels, { threads });
    const present = new Set(
      [...names].filter(([label]) => truth.has(label)).map(([, name]) => name),
    );
    const line = [];
    for (const lattice of lattices) {
      const found = await localize(image, { ...common, lattice });
      const queries = 10;
      const timing = { ...found.timing, patches: found.timing.patches - queries };
      timings.get(lattice).push(timing);
      const given = Object.entries(found.organs).map(([name, organ]) => [
        name,
        { ...organ, present: true },
      ]);
      const boxes = { ...found, organs: Object.fromEntries(given) };
      const figures = await evaluate({ boxes, truth: labels, names, threads });
      const there = Object.entries(figures.organs)
        .filter(([name]) => present.has(name))
        .map(([, organ]) => organ);
      organs.get(lattice).push(...there.map(({ iou, wd }) => ({ iou, wd })));
      line.push({ lattice, patches: timing.patches, iou: mean(there.map(({ iou }) => iou)) });
    }
    console.log(JSON.stringify({ survey: ahead.patches, line }));
  } finally {
    grid.close();
  }
}

function mean(numbers) {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
