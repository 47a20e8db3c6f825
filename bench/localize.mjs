/** All parts together: a made-up CT from file to boxes, and what the published way would take on this machine. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildTemplates, localize, MedLam } from "../dist/index.js";
import { flops, patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { makeScan, scanShape } from "./support/scan.mjs";
import { printTable, quantity, seconds } from "./support/table.mjs";
import { median, wallSeconds } from "./support/timing.mjs";

const organs = 2;
const points = 6 * organs;
/** Patches that the anatomical coordinate system is asked for: positions only. */
const queries = 10;

export async function bench({ threads, folder, peaks }) {
  const scan = await makeScan(organs);
  const image = join(folder, "scan.nii.gz");
  await scan.image.write(image);
  const results = [];
  for (const [width, runs] of [
    [24, 1],
    [2, 5],
  ]) {
    results.push(await localizeScan({ threads, folder }, scan, image, width, runs));
  }
  const rows = results.map(({ width, runs, build, timing }) => {
    const floor = timing.positions * flops(width, true) + timing.features * flops(width);
    return [
      `${scanShape.toReversed().join("×")} int16 .nii.gz, width ${width}`,
      `${quantity(floor, "FLOP")}: ${seconds(floor / peaks.FLOP)}`,
      `${seconds(timing.total)} (${runs})`,
      `${quantity(floor / timing.total, "FLOP")}/s`,
      `${timing.features} + ${timing.positions}`,
      seconds(timing.total / timing.features),
      ...["read", "grid", "network", "similarity"].map(
        (part) => `${((100 * timing[part]) / timing.total).toFixed(1)} %`,
      ),
      seconds(build),
    ];
  });
  const shares = ["read", "grid", "network", "similarity"];
  printTable(
    [
      "scan to boxes",
      "floor",
      "ours (median of)",
      "rate",
      "patches: whole + position",
      "time ÷ whole patches",
      ...shares,
      "building the templates",
    ],
    rows,
  );
  await printPublishedWay({ threads, folder }, results[0].timing.total);
}

async function localizeScan({ threads, folder }, scan, image, width, runs) {
  const checkpoint = join(folder, `medlam${width}.safetensors`);
  writeCheckpoint(checkpoint, width);
  const medlam = await MedLam.load(checkpoint, { threads });
  let templates;
  const build = await wallSeconds(async () => {
    templates = await buildTemplates({
      medlam,
      threads,
      supports: [{ image: scan.image, labels: scan.labels }],
    });
  });
  const timings = [];
  for (let run = 0; run < runs; run++) {
    const { timing } = await localize(image, { medlam, templates, threads });
    timings.push({ ...timing, positions: queries, features: timing.patches - queries });
  }
  templates.close();
  medlam.close();
  const timing = Object.fromEntries(
    Object.keys(timings[0]).map((key) => [key, median(timings.map((each) => each[key]))]),
  );
  return { width, runs, build, timing };
}

/** An estimate: the published code runs the whole network for every query and every point, and shares nothing. */
async function printPublishedWay({ threads, folder }, total) {
  const random = uniform(3);
  const file = (name, length) => {
    const path = join(folder, name);
    writeFileSync(path, Float32Array.from({ length }, random));
    return path;
  };
  const channels = 96;
  const cubes = (edges) => edges.reduce((sum, edge) => sum + channels * edge ** 3, 0);
  const patch = file("patch.f32", patchEdge ** 3);
  const features = file("features.f32", cubes([patchEdge / 4, patchEdge / 2, patchEdge]));
  const kernels = file("kernels.f32", cubes([2, 4, 8]));
  const network = await peerSeconds(
    "network",
    [join(folder, "medlam24.safetensors"), patch, threads],
    "features",
    threads,
  );
  const similarity = await peerSeconds(
    "similarity",
    [features, kernels, channels, patchEdge, threads],
    "torch",
    threads,
  );
  if (network === undefined || similarity === undefined) return;
  const published = (queries + points) * network + points * similarity;
  printTable(
    ["the published way, estimated for width 24", "", "ours ÷ it"],
    [
      [
        `${queries + points} whole network runs × ${seconds(network)} (ONNX Runtime, Python) + ${points} points × ${seconds(similarity)} (PyTorch, grouped convolutions)`,
        seconds(published),
        (total / published).toFixed(3),
      ],
    ],
  );
  console.log(
    "Its grid and its templates, which it makes again for every scan, are left out of the estimate.",
  );
}

async function peerSeconds(script, args, operation, threads) {
  const peer = await Peer.start(script, args, threads);
  if (!peer?.facts.operations.includes(operation)) return undefined;
  await peer.ask(operation);
  const { seconds: taken } = await peer.ask(operation);
  await peer.close();
  return taken;
}
