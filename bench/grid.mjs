/** Part 1 of the algorithm: a whole CT and its label map to 3 mm, against scipy.ndimage.zoom. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { steps } from "../dist/index.js";
import { Peer } from "./support/peer.mjs";
import { makeScan, scanShape, scanSpacing } from "./support/scan.mjs";
import { printSteps, printTable, quantity } from "./support/table.mjs";
import { alternate, median, wallSeconds } from "./support/timing.mjs";

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

  const extra = {};
  const ask = (operation) =>
    peer &&
    (async () => {
      const reply = await peer.ask(operation);
      extra[operation] = reply.extraBytes;
      return reply.seconds;
    });
  const images = await alternate(
    { ours: () => wallSeconds(() => steps.imageGrid(scan.image, { threads })), peer: ask("image") },
    runs,
  );
  const labels = await alternate(
    {
      exact: () => wallSeconds(() => steps.labelGrid(scan.labels, { threads })),
      reference: () =>
        wallSeconds(() => steps.labelGrid(scan.labels, { threads, conventions: "reference" })),
      nearest: ask("nearest labels"),
    },
    runs,
  );
  const oneHot = peer && (await peer.ask("one-hot labels"));
  if (oneHot) extra["one-hot labels"] = oneHot.extraBytes;
  await peer?.close();

  const scipy = peer?.facts.version ?? "SciPy";
  const size = scanShape.toReversed().join("×");
  const image = { what: "image", size: `${size} int16`, floor: touched(2, 4), runs, atMost: 0.1 };
  const label = {
    what: "labels",
    size: `${size} uint8, ${organs} organs`,
    floor: touched(1, 2),
    runs,
  };
  const [time, peerTime] = [images.ours, images.peer].map((each) => each && median(each));
  const [exact, reference, nearest] = [labels.exact, labels.reference, labels.nearest].map(
    (each) => each && median(each),
  );
  const one = { peer: `${scipy} order 1 a class (once)`, peerTime: oneHot?.seconds, atMost: 0.1 };
  const near = { peer: `${scipy} order 0`, peerTime: nearest };
  printSteps(
    [
      { ...image, time, peer: `${scipy} order 3 on float64`, peerTime },
      { ...label, what: "labels, exact", time: exact, ...one },
      { ...label, what: "labels, reference", time: reference, ...one },
      { ...label, what: "labels, exact", time: exact, ...near },
    ],
    peaks,
  );

  const memory = (step, path) =>
    Number(
      execFileSync(process.execPath, [memoryScript, step, path, String(threads)], {
        encoding: "utf8",
      }),
    );
  const bound = (bytes) => `${quantity(bytes, "B")} (${bytes < 200e6 ? "<" : "NOT <"} 200 MB)`;
  const peerBytes = (operation) => (extra[operation] ? quantity(extra[operation], "B") : "–");
  printTable(
    ["peak memory beyond the loaded volume", "ours", "SciPy, beyond its input too"],
    [
      [
        "image, with the result in JavaScript",
        bound(memory("imageGrid", paths.image)),
        peerBytes("image"),
      ],
      [
        "labels, with the result in JavaScript",
        bound(memory("labelGrid", paths.labels)),
        `${peerBytes("one-hot labels")} a class at a time`,
      ],
    ],
  );
  scan.image.close();
  scan.labels.close();
}

/** Bytes that have to move at least: every stored voxel read, every voxel of the padded grid written. */
function touched(bytesIn, bytesOut) {
  const voxels = scanShape.reduce((product, extent) => product * extent, 1);
  const padded = scanShape.map(
    (extent, axis) => Math.round((extent * scanSpacing[axis]) / 3) + patchPadding,
  );
  return {
    amount: bytesIn * voxels + bytesOut * padded.reduce((product, extent) => product * extent, 1),
    unit: "B",
  };
}
const patchPadding = 64;
