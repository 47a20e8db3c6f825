/** All parts together: a synthetic CT from file to boxes, and an estimate of the published code on this machine. */
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { buildTemplates, localize, MedLam } from "../dist/index.js";
import { networkPeer, randomPatch } from "./network.mjs";
import { similarityPeer } from "./similarity.mjs";
import { flops, patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { makeScan, scanShape } from "./support/scan.mjs";
import { printTable, quantity, seconds } from "./support/table.mjs";
import { alternate, median, wallSeconds } from "./support/timing.mjs";

const organs = 2;
const points = 6 * organs;
/** Patches of which only the position in the anatomical coordinate system is computed. */
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
  const size = `${scanShape.toReversed().join("×")} int16 .nii.gz`;
  printTable(
    [size, "floor", "ours (median of)", "rate", "patches", "a patch", "building the templates"],
    results.map(({ width, runs, build, timing }) => {
      const floor = queries * flops(width, true) + timing.searched * flops(width);
      return [
        `width ${width}, ${organs} organs`,
        `${quantity(floor, "FLOP")}: ${seconds(floor / peaks.FLOP)}`,
        `${seconds(timing.total)} (${runs})`,
        `${quantity(floor / timing.total, "FLOP")}/s`,
        `${timing.searched} and ${queries} for positions`,
        seconds(timing.total / timing.searched),
        seconds(build),
      ];
    }),
  );
  const parts = ["read", "grid", "network", "similarity"];
  printTable(
    ["share of the time", ...parts],
    results.map(({ width, timing }) => [
      `width ${width}`,
      ...parts.map((part) => `${((100 * timing[part]) / timing.total).toFixed(1)} %`),
    ]),
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
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let run = 0; run < runs; run++) {
    const { timing } = await localize(image, { medlam, templates, threads });
    timings.push({ ...timing, searched: timing.patches - queries });
  }
  delay.disable();
  console.log(
    `Event loop at width ${width}: delayed by ${seconds(delay.max / 1e9)} at most (< 20 ms), ${seconds(delay.percentile(99) / 1e9)} at the 99th percentile.`,
  );
  templates.close();
  medlam.close();
  const timing = Object.fromEntries(
    Object.keys(timings[0]).map((key) => [key, median(timings.map((each) => each[key]))]),
  );
  return { width, runs, build, timing };
}

/** Estimates the published code, which runs the whole network for every query and every point and shares nothing. */
async function printPublishedWay(context, total) {
  const checkpoint = join(context.folder, "medlam24.safetensors");
  const network = await networkPeer("network_torch", context, checkpoint, randomPatch(patchEdge));
  const networkTime = await peerSeconds(network, "features");
  const { peer: similarity } = await similarityPeer(context);
  const similarityTime = await peerSeconds(similarity, "torch");
  if (networkTime === undefined || similarityTime === undefined) return;
  const runs = queries + points;
  const published = runs * networkTime + points * similarityTime;
  printTable(
    ["the published way at width 24, estimated", "time", "ours ÷ it"],
    [
      [
        `${runs} whole network runs of ${seconds(networkTime)} (PyTorch) + ` +
          `${points} points of ${seconds(similarityTime)} (PyTorch, grouped convolutions)`,
        seconds(published),
        (total / published).toFixed(3),
      ],
    ],
  );
  console.log("Left out: its grid, and its templates, which it makes again for every scan.");
}

/** Median of a few runs; undefined where the peer cannot run. */
async function peerSeconds(peer, operation) {
  const able = peer?.facts.operations.includes(operation);
  const run = async () => (await peer.ask(operation)).seconds;
  const { time } = await alternate({ time: able ? run : undefined }, 3);
  await peer?.close();
  return time;
}
