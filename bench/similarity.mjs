/** Part 5.3: one template point's similarity map over all scales, against convolutions, and against the network. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MedLam, steps } from "../dist/index.js";
import { patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { printSteps, printTable, seconds, verdict } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const width = 24;
const channels = 4 * width;
const kernelSizes = [2, 4, 8];
const featureEdges = [patchEdge / 4, patchEdge / 2, patchEdge];
const runs = 9;

export async function bench({ threads, folder, peaks }) {
  const { peer, features, kernels } = await similarityPeer({ threads, folder });
  const checkpoint = join(folder, "medlam.safetensors");
  writeCheckpoint(checkpoint, width);
  const medlam = await MedLam.load(checkpoint, { threads });
  const patch = Float32Array.from({ length: patchEdge ** 3 }, uniform(3));

  let map;
  const similarity = async () => {
    map = await steps.similarityMap(features, kernels, channels, patchEdge, { threads });
  };
  const network = () => medlam.run(patch, 2, { threads });
  const times = await alternate(
    {
      similarity: () => wallSeconds(similarity),
      network: () => wallSeconds(network),
    },
    runs,
  );
  medlam.close();

  const step = {
    what: "similarity of one point",
    size: `${channels} channels, ${featureEdges.map((edge, k) => `${edge}³∗${kernelSizes[k]}³`).join(", ")}`,
    floor: { amount: transformFlops(), unit: "FLOP" },
    time: times.similarity,
    runs,
  };
  const compared = [];
  for (const [name, what] of [
    ["torch", "PyTorch, grouped convolutions (once)"],
    ["scipy", "SciPy, fftconvolve (once)"],
  ]) {
    const reply = peer?.facts.operations.includes(name) ? await peer.ask(name) : undefined;
    if (name === "torch" && reply) checkMaximum(map, reply.value);
    const version = peer?.facts.versions[name] ?? "";
    compared.push({ ...step, peer: what.replace(",", ` ${version},`), peerTime: reply?.seconds });
  }
  await peer?.close();
  printSteps(compared, peaks);
  printTable(
    ["one point", "its patch through the network", "similarity ÷ network"],
    [
      [
        seconds(times.similarity),
        seconds(times.network),
        verdict(times.similarity / times.network, 0.1),
      ],
    ],
  );
}

/** The peer (undefined where it cannot run), and the features and kernels it runs on. */
export async function similarityPeer({ threads, folder }) {
  const random = uniform(5);
  const write = (name, edges) => {
    const arrays = edges.map((edge) =>
      Float32Array.from({ length: channels * edge ** 3 }, () => Math.max(0, 2 * random() - 1)),
    );
    const path = join(folder, `${name}.f32`);
    writeFileSync(path, Buffer.concat(arrays.map(({ buffer }) => Buffer.from(buffer))));
    return { path, arrays };
  };
  const features = write("features", featureEdges);
  const kernels = write("kernels", kernelSizes);
  const args = [features.path, kernels.path, channels, patchEdge, threads];
  const peer = await Peer.start("similarity", args, threads);
  return { peer, features: features.arrays, kernels: kernels.arrays };
}

/**
 * FLOP of the correlation by real Fourier transforms of edge + size, 2.5·n·log2(n) each: forward transforms of every
 * channel's features and kernel, a complex product, one inverse transform of the sum.
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
