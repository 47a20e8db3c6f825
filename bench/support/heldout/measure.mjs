/** Measures the models on one phantom. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  compareBoxes,
  evaluate,
  Grid,
  labelBoxes,
  localize,
  makePhantom,
  segment,
} from "../../../dist/index.js";

/**
 * The job of one phantom for `runCases`: the next phantom is made while one is measured.
 * @param context { medlam, sam: undefined for localization only, templates: by variant, threads, spacing, kept: { folder,
 * made } where boxes are kept and what they depend on, or undefined }.
 * `main` templates localize all organs, others those that are there. The job's result is { seed, about, …, organs } in plain values. An organ that is there has boxes' figures by variant and, with
 * `sam`, Dice by prompts, all of them whether or not the verdict calls it absent.
 */
export function measuring(context) {
  const { spacing, threads } = context;
  return {
    async prepare({ seed }) {
      const started = performance.now();
      const phantom = await makePhantom({ seed, spacing, threads });
      return { ...phantom, made: (performance.now() - started) / 1000 };
    },
    work: ({ seed }, phantom, { onNote }) =>
      measurePhantom(seed, phantom, { ...context, progress: onNote }),
    release({ image, labels }) {
      image.close();
      labels.close();
    },
  };
}

async function measurePhantom(seed, { image, labels, names, about, made }, context) {
  const truth = await labelBoxes(labels, { threads: context.threads });
  const organs = {};
  for (const [label, name] of names) {
    const there = truth.get(label);
    organs[name] = {
      truth: there ? "present" : about.missing.includes(name) ? "taken out" : "outside",
      ...(there && { cut: isCut(there.box, labels.shape), boxes: {}, dice: {} }),
    };
  }
  const scan = { image, labels, names, organs };
  const { found, localization } = await localizeOnce(seed, scan, context);
  const segmentation = context.sam && (await segmentAll(scan, found, context));
  const { shape, spacing: mm, axes } = image;
  const seconds = { phantom: made, localization, segmentation };
  return { seed, ...about, shape, spacing: mm, axes, seconds, organs };
}

/** Whether an organ reaches the edge of the scan. */
const isCut = ({ min, max }, shape) =>
  shape.some((length, axis) => min[axis] === 0 || max[axis] === length - 1);

/** As localizeAll, or what an earlier run kept of it. */
async function localizeOnce(seed, scan, context) {
  if (context.kept === undefined) return localizeAll(scan, context);
  const { folder, made } = context.kept;
  const file = join(folder, `${seed}.json`);
  if (!existsSync(file)) {
    const localized = await localizeAll(scan, context);
    writeFileSync(file, JSON.stringify({ made, ...localized, organs: scan.organs }));
    return localized;
  }
  const earlier = JSON.parse(readFileSync(file, "utf8"));
  if (earlier.made !== made) throw new Error(`${file} is of other templates or options.`);
  Object.assign(scan.organs, earlier.organs);
  return earlier;
}

/** All variants on one grid. */
async function localizeAll({ image, labels, names, organs }, context) {
  const { medlam, templates, survey, threads, progress } = context;
  const grid = await Grid.make(image, { threads });
  const isThere = (name) => organs[name]?.truth === "present";
  const found = {};
  try {
    const run = async (variant, from, options = {}) => {
      progress(variant);
      const known = from.organs.map(({ name }) => name);
      const wanted = ["main", "uam"].includes(variant) ? known : known.filter(isThere);
      if (wanted.length === 0) return;
      const common = { medlam, templates: from, grid, survey, threads };
      const result = await localize(image, { ...common, organs: wanted, ...options });
      found[variant] = result;
      const figures = await boxFigures(result, labels, names);
      for (const name of wanted.filter(isThere)) organs[name].boxes[variant] = figures[name];
    };
    for (const [variant, from] of Object.entries(templates)) await run(variant, from);
    await run("uam", templates.main, { scales: [] });
  } finally {
    grid.close();
  }
  describeVerdicts(organs, found, templates.main, image.spacing);
  return { found, localization: found.main.timing };
}

/** IoU and WD of the boxes of all organs, also of those that are called absent. */
async function boxFigures(localization, labels, names) {
  const given = Object.entries(localization.organs).map(([name, organ]) => [
    name,
    { ...organ, present: true },
  ]);
  const boxes = { ...localization, organs: Object.fromEntries(given) };
  const { organs } = await evaluate({ boxes, truth: labels, names });
  return Object.fromEntries(
    Object.entries(organs).map(([name, { iou, wd }]) => [name, { iou, wd }]),
  );
}

/** Numbers that decide an organ's verdict, or could: `moved` is how far the search moved the box's walls, mm. */
function describeVerdicts(organs, { main, uam }, templates, spacing) {
  for (const { name, agreement } of templates.organs) {
    const { present, score, margin, box } = main.organs[name];
    const moved = compareBoxes(uam.organs[name].box, box, spacing).wd;
    organs[name].verdict = { present, score, agreement, margin, moved };
  }
}

/**
 * Every organ that is there from up to four kinds of boxes, found and given, whole and in parts, in one run that encodes each
 * slice once.
 */
async function segmentAll({ image, labels, names, organs }, found, context) {
  const { threads, sam, templates, progress } = context;
  const [whole, parts] = templates.main.strategy === "wpl" ? ["main", "other"] : ["other", "main"];
  const known = (kind, name) => templates[kind]?.organs.find((organ) => organ.name === name);
  const cuts = [...names].flatMap(([label, name]) => {
    const organ = known(parts, name);
    return organ ? [[label, organ.parts]] : [];
  });
  const truth = await labelBoxes(labels, { threads, parts: new Map(cuts) });
  const prompts = {};
  for (const [label, name] of names) {
    const there = truth.get(label);
    if (!there) continue;
    if (known(whole, name)) {
      prompts[`whole, given/${name}`] = { box: there.box };
      prompts[`whole, found/${name}`] = { parts: found[whole].organs[name].parts };
    }
    if (known(parts, name)) {
      prompts[`parts, given/${name}`] = { parts: there.parts };
      prompts[`parts, found/${name}`] = { parts: found[parts].organs[name].parts };
    }
  }
  if (Object.keys(prompts).length === 0) return undefined;
  progress("segment");
  const segmentation = await segment(image, { segmenter: sam, organs: prompts, threads });
  try {
    for (const [key, organ] of Object.entries(segmentation.organs)) {
      const [kind, name] = key.split("/");
      organs[name].dice[kind] = await dice(organ, name, labels, names, threads);
    }
    const { counts, seconds } = segmentation.timing;
    return { ...counts, ...seconds };
  } finally {
    segmentation.close();
  }
}

async function dice(organ, name, labels, names, threads) {
  const mask = await organ.toVolume({ threads });
  try {
    const prediction = { [name]: mask };
    const result = await evaluate({ prediction, truth: labels, names, organs: [name], threads });
    return result.organs[name].dice;
  } finally {
    mask.close();
  }
}
