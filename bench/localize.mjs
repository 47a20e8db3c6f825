/**
 * All parts together: a synthetic CT from file to boxes of 22 organs by their parts (SPL), with and without a lattice, against the
 * published code's way on this machine, measured on some points and scaled.
 */
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { buildTemplates, localize, MedLam } from "../dist/index.js";
import { networkPeer, randomPatch } from "./network.mjs";
import { similarityPeer } from "./similarity.mjs";
import { flops, patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { makeScan } from "./support/scan.mjs";
import { printTable, quantity, seconds } from "./support/table.mjs";
import { median, wallSeconds } from "./support/timing.mjs";

const shape = [160, 512, 512];
const organs = 22;
const width = 24;
/** Patches of which only the position in the anatomical coordinate system is computed. */
const queries = 10;
/** Makes about as many points as 22 real organs have. */
const sliceInterval = 6;
const lattices = [0, 8, 16];

export async function bench({ threads, folder, peaks }) {
  const scan = await makeScan(organs, shape);
  const image = join(folder, "scan.nii.gz");
  await scan.image.write(image);
  const checkpoint = join(folder, `medlam${width}.safetensors`);
  writeCheckpoint(checkpoint, width);
  const published = await publishedWay({ threads, folder }, checkpoint);

  const medlam = await MedLam.load(checkpoint, { threads });
  let templates;
  const build = await wallSeconds(async () => {
    const supports = [{ image: scan.image, labels: scan.labels }];
    templates = await buildTemplates({ medlam, threads, strategy: "spl", sliceInterval, supports });
  });
  const points = templates.organs.reduce((sum, { parts }) => sum + 6 * parts, 0);
  const timings = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (const lattice of lattices) {
    const { timing } = await localize(image, { medlam, templates, threads, lattice });
    timings.push(timing);
  }
  delay.disable();
  const before =
    published && queries * published.network + points * (published.network + published.similarity);
  console.log(
    `${shape.toReversed().join("×")} int16 .nii.gz, ${organs} organs, width ${width}; ${points} points. Templates built in ${seconds(build)}.\n`,
  );
  printTable(
    ["lattice", "patches", "floor", "ours", "rate", "the published way", "ours ÷ it"],
    timings.map((timing, i) => {
      const searched = timing.patches - queries;
      const floor = queries * flops(width, true) + searched * flops(width);
      return [
        lattices[i] === 0 ? "none" : `${lattices[i]} voxels`,
        `${searched} and ${queries} for positions`,
        `${quantity(floor, "FLOP")}: ${seconds(floor / peaks.FLOP)}`,
        seconds(timing.total),
        `${quantity(floor / timing.total, "FLOP")}/s`,
        before === undefined ? "absent" : seconds(before),
        before === undefined ? "–" : (timing.total / before).toFixed(4),
      ];
    }),
  );
  const parts = ["read", "grid", "network", "similarity"];
  printTable(
    ["share of the time", ...parts],
    timings.map((timing, i) => [
      lattices[i] === 0 ? "no lattice" : `${lattices[i]} voxels`,
      ...parts.map((part) => `${((100 * timing[part]) / timing.total).toFixed(1)} %`),
    ]),
  );
  if (published) {
    console.log(
      `The published way: ${points + queries} whole networks of ${seconds(published.network)} and ${points} similarities of ` +
        `${seconds(published.similarity)} (grouped convolutions), PyTorch; its grid and its templates are left out.`,
    );
  }
  console.log(
    `Event loop delayed by ${seconds(delay.max / 1e9)} at most (< 20 ms), ${seconds(delay.percentile(99) / 1e9)} at the 99th percentile.`,
  );
  templates.close();
  medlam.close();
}

/** Seconds of one point in the published code, which shares nothing; undefined where PyTorch is missing. */
export async function publishedWay(context, checkpoint) {
  const patch = randomPatch(patchEdge);
  const network = await peerSeconds(
    await networkPeer("network_torch", context, checkpoint, patch),
    "features",
  );
  const { peer } = await similarityPeer(context);
  const similarity = await peerSeconds(peer, "torch");
  return network === undefined || similarity === undefined ? undefined : { network, similarity };
}

/** Median of a few runs; undefined where the peer cannot run. */
async function peerSeconds(peer, operation) {
  if (!peer?.facts.operations.includes(operation)) return undefined;
  const times = [];
  for (let run = -1; run < 3; run++) {
    const { seconds: taken } = await peer.ask(operation);
    if (run >= 0) times.push(taken);
  }
  await peer.close();
  return median(times);
}
