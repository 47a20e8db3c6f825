/** Part 1 of the method: a whole CT and its label map resampled to 3 mm, against scipy.ndimage.zoom. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { steps } from "../dist/index.js";
import { Peer } from "./support/peer.mjs";
import { makeScan, scanShape, scanSpacing } from "./support/scan.mjs";
import { printSteps, printTable, quantity } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const organs = 22;
const runs = 5;
const memoryScript = fileURLToPath(new URL("support/grid-memory.mjs", import.meta.url));

export async function bench({ threads, folder, peaks }) {
  const scan = await makeScan(organs);
  const paths = { image: join(folder, "image.nii"), labels: join(folder, "labels.nii") };
  await scan.image.write(paths.image);
  await scan.labels.write(paths.labels);
  const zoom = scanSpacing.map((spacing) => spacing / 3);
  const peer = await Peer.start("grid", [paths.image, paths.labels, ...zoom], threads);

  const { times, peerBytes } = await measure(scan, peer, threads);
  printTimes(times, peer?.facts.version ?? "SciPy", peaks);
  printMemory(paths, peerBytes, threads);
  await peer?.close();
  scan.image.close();
  scan.labels.close();
}

async function measure({ image, labels }, peer, threads) {
  const peerBytes = {};
  const ask = (operation) => async () => {
    const { seconds, extraBytes } = await peer.ask(operation);
    peerBytes[operation] = extraBytes;
    return seconds;
  };
  const options = { threads };
  const reference = { threads, conventions: "reference" };
  const images = await alternate(
    {
      image: () => wallSeconds(() => steps.imageGrid(image, options)),
      scipyImage: peer && ask("image"),
    },
    runs,
  );
  const labelMaps = await alternate(
    {
      labels: () => wallSeconds(() => steps.labelGrid(labels, options)),
      referenceLabels: () => wallSeconds(() => steps.labelGrid(labels, reference)),
      scipyNearest: peer && ask("nearest labels"),
    },
    runs,
  );
  const scipyOneHot = peer && (await ask("one-hot labels")());
  return { times: { ...images, ...labelMaps, scipyOneHot }, peerBytes };
}

function printTimes(times, scipy, peaks) {
  const size = scanShape.toReversed().join("×");
  const image = { size: `${size} int16`, floor: touched(2, 4), runs, atMost: 0.1 };
  const label = { size: `${size} uint8, ${organs} organs`, floor: touched(1, 2), runs };
  const oneHot = {
    peer: `${scipy}, order 1 a class (once)`,
    peerTime: times.scipyOneHot,
    atMost: 0.1,
  };
  const nearest = { peer: `${scipy}, order 0`, peerTime: times.scipyNearest };
  const spline = { peer: `${scipy}, order 3 on float64`, peerTime: times.scipyImage };
  printSteps(
    [
      { what: "image", time: times.image, ...image, ...spline },
      { what: "labels, exact", time: times.labels, ...label, ...oneHot },
      { what: "labels, reference", time: times.referenceLabels, ...label, ...oneHot },
      { what: "labels, exact", time: times.labels, ...label, ...nearest },
    ],
    peaks,
  );
}

/** Our memory, each step in a new process, which has no freed memory to reuse. */
function printMemory(paths, peerBytes, threads) {
  const ours = (step, path) => {
    const args = [memoryScript, step, path, String(threads)];
    const bytes = Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
    return `${quantity(bytes, "B")} (${bytes < 200e6 ? "<" : "NOT <"} 200 MB)`;
  };
  const theirs = (operation) =>
    peerBytes[operation] ? quantity(peerBytes[operation], "B") : "unknown";
  printTable(
    ["peak memory", "ours, beyond the loaded volume", "SciPy, beyond its input"],
    [
      ["image, the result in JavaScript included", ours("imageGrid", paths.image), theirs("image")],
      [
        "labels, the result in JavaScript included",
        ours("labelGrid", paths.labels),
        `${theirs("one-hot labels")}, a class at a time`,
      ],
    ],
  );
}

/** The least number of bytes to move: every stored voxel read, every voxel of the padded grid written. */
function touched(bytesIn, bytesOut) {
  const product = (extents) => extents.reduce((a, b) => a * b, 1);
  const padded = scanShape.map((extent, axis) => Math.round((extent * scanSpacing[axis]) / 3) + 64);
  return { amount: bytesIn * product(scanShape) + bytesOut * product(padded), unit: "B" };
}
