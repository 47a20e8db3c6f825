/**
 * Part 8: a step of MedLAM's training, against its networks, losses and update alone (with batches made between the
 * steps, which are not counted), and against the same step in PyTorch on batches made beforehand.
 */
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makePhantom, trainMedLam } from "../dist/index.js";
import { Peer } from "./support/peer.mjs";
import { printTable, seconds, verdict } from "./support/table.mjs";
import { alternate, median } from "./support/timing.mjs";

const runs = 3;
/** Base width, edge of a patch, scans of a step and steps of a run. */
const onCpuSizes = [
  [8, 48, 2, 6],
  [24, 64, 2, 6],
];
const onGpuSizes = [
  [8, 64, 8, 8],
  [24, 64, 8, 8],
];

export async function bench({ threads, device, folder }) {
  const scans = await makeScans(folder, threads);
  const onCpu = device === "cpu";
  const rows = [];
  for (const [width, patch, batch, steps] of onCpu ? onCpuSizes : onGpuSizes) {
    const peer = await Peer.start("train", [width, patch, batch, threads, device], threads);
    const train = (loaders) => () =>
      stepSeconds({ scans, folder, width, patch, batch, steps, device, threads, loaders }).catch(
        (error) => {
          throw new Error(`${error.message} (the bench needs the torch plugin)`, { cause: error });
        },
      );
    const theirs =
      peer &&
      (async () => {
        const all = [];
        for (let i = 0; i < steps; i++) all.push((await peer.ask("step")).seconds);
        return median(all);
      });
    const times = await alternate(
      { ours: train(onCpu ? 1 : threads - 1), alone: train(0), theirs },
      onCpu && width > 8 ? 1 : runs,
    );
    rows.push([
      `width ${width}, ${4 * batch} patches of ${patch}³`,
      `${seconds(times.ours)}: ${Math.round(3600 / times.ours)} steps/h`,
      seconds(times.alone),
      `${(times.alone / times.ours).toFixed(3)} (${times.alone >= 0.85 * times.ours ? "≥" : "NOT ≥"} 0.85)`,
      peer?.facts.version ?? "PyTorch",
      times.theirs === undefined
        ? "absent"
        : `${seconds(times.theirs)}: ${Math.round(3600 / times.theirs)} steps/h`,
      times.theirs === undefined ? "–" : verdict(times.ours / times.theirs, 1),
    ]);
    await peer?.close();
  }
  printTable(["step", "ours", "floor", "floor ÷ ours", "peer", "its time", "ours ÷ peer"], rows);
}

async function makeScans(folder, threads) {
  const scans = [];
  for (const seed of [1, 2, 3, 4]) {
    const phantom = await makePhantom({ seed, region: "trunk", spacing: 3, threads });
    const path = join(folder, `phantom-${seed}.nii`);
    await phantom.image.write(path);
    phantom.image.close();
    phantom.labels.close();
    scans.push(path);
  }
  return scans;
}

/** Median of a run's steps except the first, which sets up; without loaders, less the time spent waiting for batches. */
async function stepSeconds({ scans, folder, steps, loaders, ...sizes }) {
  const output = mkdtempSync(join(folder, "train-"));
  const cache = join(folder, "scans");
  const options = { scans, folder: output, cache, ...sizes, loaders };
  const { curve } = await trainMedLam({ ...options, steps: steps + 1, epochs: 1 });
  const lines = readFileSync(curve, "utf8").trimEnd().split("\n").map(JSON.parse);
  const done = lines.filter((line) => line.seconds !== undefined).slice(1);
  return median(done.map((step) => step.seconds - (loaders === 0 ? step.waitSeconds : 0)));
}
