/** Part 5.3: one template point's similarity map over all scales, against convolutions, and against the network. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MedLam, steps } from "../dist/index.js";
import { patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { printSteps, printTable, seconds, verdict } from "./support/table.mjs";
import { alternate, median, nativeSeconds } from "./support/timing.mjs";

const width = 24;
const channels = 4 * width;
const kernelSizes = [2, 4, 8];
const featureEdges = [patchEdge / 4, patchEdge / 2, patchEdge];
const runs = 9;

export async function bench({ threads, folder, peaks }) {
  const random = uniform(5);
  const make = (edges) =>
    edges.map((edge) =>
      Float32Array.from({ length: channels * edge ** 3 }, () => Math.max(0, 2 * random() - 1)),
    );
  const features = make(featureEdges);
  const kernels = make(kernelSizes);
  const files = { features: join(folder, "features.f32"), kernels: join(folder, "kernels.f32") };
  writeFileSync(files.features, Buffer.concat(features.map(({ buffer }) => Buffer.from(buffer))));
  writeFileSync(files.kernels, Buffer.concat(kernels.map(({ buffer }) => Buffer.from(buffer))));
  const peer = await Peer.start(
    "similarity",
    [files.features, files.kernels, channels, patchEdge, threads],
    threads,
  );

  const checkpoint = join(folder, "medlam.safetensors");
  writeCheckpoint(checkpoint, width);
  const medlam = await MedLam.load(checkpoint, { threads });
  const patch = Float32Array.from({ length: patchEdge ** 3 }, random);

  let map;
  const ours = async () =>
    (
      await nativeSeconds(async () => {
        map = await steps.similarityMap(features, kernels, channels, patchEdge, { threads });
      })
    ).native;
  const network = async () => (await nativeSeconds(() => medlam.run(patch, 2, { threads }))).native;
  const shared = await alternate({ ours, network }, runs);
  medlam.close();

  const time = median(shared.ours);
  const step = {
    what: "similarity of one point",
    size: `${channels} channels, ${featureEdges.map((edge, k) => `${edge}³∗${kernelSizes[k]}³`).join(", ")}`,
    floor: { amount: transformFlops(), unit: "FLOP" },
    time,
    runs,
  };
  const compared = [];
  for (const name of ["torch", "scipy"]) {
    const has = peer?.facts.operations.includes(name);
    const reply = has ? await peer.ask(name) : undefined;
    if (name === "torch" && reply) checkMaximum(map, reply.value);
    const what = { torch: "grouped convolutions (once)", scipy: "fftconvolve (once)" }[name];
    compared.push({
      ...step,
      peer: `${peer?.facts.versions[name] ?? name} ${what}`,
      peerTime: reply?.seconds,
    });
  }
  await peer?.close();
  printSteps(compared, peaks);
  const networkTime = median(shared.network);
  printTable(
    ["one point", "its patch through the network", "similarity ÷ network"],
    [[seconds(time), seconds(networkTime), verdict(time / networkTime, 0.1)]],
  );
}

/**
 * FLOP of the way by real Fourier transforms of edge + size, 2.5·n·log2(n) each: features and kernel of every channel
 * there, a complex product, one sum back.
 */
function transformFlops() {
  return featureEdges.reduce((sum, edge, k) => {
    const n = (edge + kernelSizes[k]) ** 3;
    const transform = 2.5 * n * Math.log2(n);
    return sum + (2 * channels + 1) * transform + channels * 4 * n;
  }, 0);
}

function checkMaximum(map, theirs) {
  const ours = map.reduce((most, value) => Math.max(most, value), 0);
  if (Math.abs(ours - theirs) > 1e-5)
    throw new Error(`The peer finds another maximum: ${theirs}, not ${ours}.`);
}
