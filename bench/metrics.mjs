/** Part 7: one organ's masks, and every organ of two label maps, against SciPy's erosion and distance transform. */
import { join } from "node:path";
import { evaluate, Volume } from "../dist/index.js";
import { Peer } from "./support/peer.mjs";
import { makeScan, scanShape, scanSpacing } from "./support/scan.mjs";
import { printSteps, seconds } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const organs = 22;
const runs = 5;
/** Voxels by which the truth is moved to make the prediction, (z, y, x). */
const shift = [1, 3, -2];

export async function bench({ threads, folder, peaks }) {
  const { image, labels: truth } = await makeScan(organs);
  image.close();
  const prediction = await moved(truth);
  const paths = [join(folder, "prediction.nii"), join(folder, "truth.nii")];
  await prediction.write(paths[0]);
  await truth.write(paths[1]);
  const peer = await Peer.start("metrics", [...paths, ...scanSpacing], threads);

  const options = { prediction, truth, threads };
  let ours;
  const evaluated = (organs) => () =>
    wallSeconds(async () => {
      ours = Object.values((await evaluate({ ...options, organs })).organs);
    });
  const one = evaluated(["1"]);
  const every = evaluated(undefined);
  await every();
  const expected = ours;
  const theirs = (operation) =>
    peer &&
    (async () => {
      const reply = await peer.ask(operation);
      for (const [i, figures] of reply.value.entries()) checkFigures(expected[i], figures);
      return reply.seconds;
    });
  const times = await alternate(
    { one, cropped: theirs("cropped"), every, everyCropped: theirs("every") },
    runs,
  );
  times.whole = peer && (await theirs("whole")());
  await peer?.close();
  printTimes(times, expected[0].truth.voxels, peer?.facts.version ?? "SciPy", peaks);
  prediction.close();
  truth.close();
}

function printTimes(times, voxels, scipy, peaks) {
  const size = `${scanShape.toReversed().join("×")} uint8`;
  const floor = { amount: 2 * scanShape.reduce((a, b) => a * b, 1), unit: "B" };
  const one = { what: "one organ", size: `${size}, ${voxels} voxels of it`, floor, runs };
  const every = { what: "every organ", size: `${size}, ${organs} organs`, floor, runs };
  printSteps(
    [
      { ...one, time: times.one, peer: `${scipy}, whole volume (once)`, peerTime: times.whole },
      { ...one, time: times.one, peer: `${scipy}, cropped first`, peerTime: times.cropped },
      {
        ...every,
        time: times.every,
        peer: `${scipy}, cropped first`,
        peerTime: times.everyCropped,
      },
    ],
    peaks,
  );
  const more = seconds((times.every - times.one) / (organs - 1));
  console.log(
    `An organ more takes ${more}. The peer computes Dice, HD95 and ASSD; ours NSD and boxes too.`,
  );
}

async function moved(volume) {
  const from = await volume.stored();
  const to = new Uint8Array(from.length);
  const [nz, ny, nx] = scanShape;
  const [dz, dy, dx] = shift;
  const inside = (value, extent) => value >= 0 && value < extent;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      if (!inside(z - dz, nz) || !inside(y - dy, ny)) continue;
      const line = ((z - dz) * ny + (y - dy)) * nx;
      const source = from.subarray(line + Math.max(0, -dx), line + nx - Math.max(0, dx));
      to.set(source, (z * ny + y) * nx + Math.max(0, dx));
    }
  }
  return Volume.fromArray(to, volume);
}

/** Checks that [dice, hd95, assd] of both are the same values. */
function checkFigures(ours, theirs) {
  const difference = Math.max(
    ...[ours.dice, ours.hd95, ours.assd].map((value, i) => Math.abs(value - theirs[i])),
  );
  if (difference > 1e-9) throw new Error(`The peer's figures are others: off by ${difference}.`);
}
