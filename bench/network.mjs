/** Part 2: one patch through MedLAM, against the same graph in ONNX Runtime's Python API. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MedLam } from "../dist/index.js";
import { flops, patchEdge, writeCheckpoint } from "./support/medlam.mjs";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { printSteps, seconds } from "./support/table.mjs";
import { alternate, median, nativeSeconds } from "./support/timing.mjs";

const width = 24;

export async function bench({ threads, folder, peaks }) {
  const checkpoint = join(folder, "medlam.safetensors");
  const patchFile = join(folder, "patch.f32");
  writeCheckpoint(checkpoint, width);
  const patch = Float32Array.from({ length: patchEdge ** 3 }, uniform(3));
  writeFileSync(patchFile, patch);
  const medlam = await MedLam.load(checkpoint, { threads });
  const peer = await Peer.start("network", [checkpoint, patchFile, threads], threads);

  const compare = async (what, deepest, operation, runs) => {
    const copying = [];
    let [ours, theirs] = [];
    const times = await alternate(
      {
        ours: async () => {
          const run = await nativeSeconds(async () => {
            ours = (await medlam.run(patch, deepest, { threads })).positions;
          });
          copying.push(run.copying);
          return run.native;
        },
        peer:
          peer &&
          (async () => {
            const reply = await peer.ask(operation);
            theirs = reply.value;
            return reply.seconds;
          }),
      },
      runs,
    );
    if (theirs) {
      const difference = Math.max(...theirs.map((value, i) => Math.abs(value - ours[i])));
      if (difference > 1e-4)
        throw new Error(`The peer's position is another: off by ${difference}.`);
    }
    return {
      what,
      size: `1 × ${patchEdge}³, width ${width}`,
      floor: { amount: flops(width, deepest < 0), unit: "FLOP" },
      time: median(times.ours),
      runs,
      copying: median(copying),
      peer: peer?.facts.version ?? "ONNX Runtime (Python)",
      peerTime: times.peer && median(times.peer),
      atMost: 1.03,
    };
  };
  const all = await compare("position and features", 2, "features", 9);
  const position = await compare("position only", -1, "position", 25);
  printSteps([all, position], peaks);
  console.log(
    `Both without copies of their outputs. MedLam.run() then takes ${seconds(all.copying)} to copy the features into ` +
      "JavaScript arrays; localize() does not.",
  );
  await peer?.close();
  medlam.close();
}
