/** Part 2: one patch through MedLAM, against the same network in ONNX Runtime's Python API. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MedLam } from "../dist/index.js";
import { flops, patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { printSteps } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const width = 24;

export async function bench({ threads, folder, peaks }) {
  const checkpoint = join(folder, "medlam.safetensors");
  writeCheckpoint(checkpoint, width);
  const medlam = await MedLam.load(checkpoint, { threads });
  const { peer, patch } = await networkPeer({ threads, folder }, checkpoint);

  const compare = async (what, deepest, operation, runs) => {
    const positions = {};
    const ours = () =>
      wallSeconds(async () => {
        positions.ours = (await medlam.run(patch, deepest, { threads })).positions;
      });
    const theirs = async () => {
      const reply = await peer.ask(operation);
      positions.theirs = reply.value;
      return reply.seconds;
    };
    const times = await alternate({ ours, theirs: peer && theirs }, runs);
    if (peer) checkPosition(positions);
    return {
      what,
      size: `1 × ${patchEdge}³, width ${width}`,
      floor: { amount: flops(width, deepest < 0), unit: "FLOP" },
      time: times.ours,
      runs,
      peer: peer?.facts.version ?? "ONNX Runtime (Python)",
      peerTime: times.theirs,
      atMost: 1.03,
    };
  };
  const all = await compare("position and features", 2, "features", 9);
  const position = await compare("position only", -1, "position", 25);
  await peer?.close();
  medlam.close();

  printSteps([all, position], peaks);
}

/** The peer for a checkpoint (undefined where it cannot run), and the patch it runs on. */
export async function networkPeer({ threads, folder }, checkpoint) {
  const patch = Float32Array.from({ length: patchEdge ** 3 }, uniform(3));
  const file = join(folder, "patch.f32");
  writeFileSync(file, patch);
  return { peer: await Peer.start("network", [checkpoint, file, threads], threads), patch };
}

function checkPosition({ ours, theirs }) {
  const difference = Math.max(...theirs.map((value, i) => Math.abs(value - ours[i])));
  if (difference > 1e-4) throw new Error(`The peer's position is another: off by ${difference}.`);
}
