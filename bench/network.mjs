/**
 * Part 2: one patch through MedLAM, against the same network in PyTorch and in ONNX Runtime's Python API. With
 * MEDLSAM_SIMD=avx2 in the environment, PyTorch is held to AVX2 as well.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MedLam } from "../dist/index.js";
import { flops, patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { printSteps } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const networks = [
  { width: 24, edge: patchEdge, runs: 9 },
  { width: 8, edge: 48, runs: 25 },
];
const deepestScale = 2;
const simd = process.env.MEDLSAM_SIMD;
/** Ratios that were asked for: five times PyTorch (three where both have AVX2), three times ONNX Runtime. */
const fifth = simd === "avx2" ? 0.333 : 0.2;

export async function bench({ threads, folder, peaks }) {
  const steps = [];
  for (const network of networks) steps.push(...(await benchNetwork({ threads, folder }, network)));
  printSteps(steps, peaks);
}

async function benchNetwork({ threads, folder }, { width, edge, runs }) {
  const checkpoint = join(folder, `medlam${width}.safetensors`);
  writeCheckpoint(checkpoint, width, 1, edge);
  const patch = randomPatch(edge);
  const peers = [
    {
      peer: await networkPeer("network_torch", { threads, folder }, checkpoint, patch),
      bound: { 2: fifth },
    },
    {
      peer: await networkPeer("network", { threads, folder }, checkpoint, patch),
      bound: { "-1": 0.333 },
    },
  ];
  const medlam = await MedLam.load(checkpoint, { threads });
  const steps = [];
  for (const [what, deepest] of [
    ["position and features", deepestScale],
    ["position only", -1],
  ]) {
    const operation = deepest < 0 ? "position" : "features";
    const positions = [];
    const ours = () =>
      wallSeconds(async () => {
        positions[0] = (await medlam.run(patch, deepest, { threads })).positions;
      });
    const theirs = peers.map(({ peer }, i) =>
      peer === undefined
        ? undefined
        : async () => {
            const reply = await peer.ask(operation);
            positions[i + 1] = reply.value;
            return reply.seconds;
          },
    );
    const times = await alternate({ ours, 0: theirs[0], 1: theirs[1] }, runs);
    for (const [i, { peer, bound }] of peers.entries()) {
      if (peer) checkPosition(positions[0], positions[i + 1]);
      steps.push({
        what,
        size: `1 × ${edge}³, width ${width}`,
        floor: { amount: flops(width, deepest < 0, edge), unit: "FLOP" },
        time: times.ours,
        runs,
        peer: peer?.facts.version ?? ["PyTorch", "ONNX Runtime (Python)"][i],
        peerTime: times[i],
        atMost: bound[deepest],
      });
    }
  }
  for (const { peer } of peers) await peer?.close();
  medlam.close();
  return steps;
}

export function randomPatch(edge) {
  return Float32Array.from({ length: edge ** 3 }, uniform(3));
}

/** The peer ("network" or "network_torch") for a checkpoint and a patch; undefined where it cannot run. */
export function networkPeer(name, { threads, folder }, checkpoint, patch) {
  const file = join(folder, "patch.f32");
  writeFileSync(file, patch);
  const held = simd === "avx2" ? { ATEN_CPU_CAPABILITY: "avx2", ONEDNN_MAX_CPU_ISA: "AVX2" } : {};
  return Peer.start(name, [checkpoint, file, threads], threads, held);
}

function checkPosition(ours, theirs) {
  const difference = Math.max(...theirs.map((value, i) => Math.abs(value - ours[i])));
  if (difference > 1e-4) throw new Error(`The peer's position is another: off by ${difference}.`);
}
