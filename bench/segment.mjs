/**
 * Part 6 over a whole scan with ViT-B: `medlsam segment` as a user runs it, its stages and memory, against the published
 * loop, which encodes a slice anew for every organ and part.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Sam } from "../dist/index.js";
import { encoderPeer } from "./sam.mjs";
import { encoderFlops, writeSamCheckpoint } from "./support/sam.mjs";
import { makeScan, scanShape } from "./support/scan.mjs";
import { printTable, seconds } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const organs = 22;
const parts = 6;
/** Slices that are run; the figures of the whole scan are in proportion to them. */
const slicesRun = 12;
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

export async function bench({ threads, folder, peaks }) {
  const checkpoint = join(folder, "vit_b.safetensors");
  writeSamCheckpoint(checkpoint);
  const { image, labels } = await makeScan(organs);
  const scan = join(folder, "scan.nii.gz");
  await image.write(scan);
  image.close();
  const all = organBoxes(await labels.stored());
  labels.close();
  const few = keepSlices(all, slicesRun);
  const boxes = join(folder, "scan.json");
  writeFileSync(boxes, JSON.stringify({ version: 1, shape: scanShape, organs: few }));
  const report = join(folder, "report.json");
  const { peak } = await runCli(
    ["segment", scan, "--boxes", boxes, "--sam", checkpoint, "-o", join(folder, "masks")],
    ["--threads", String(threads), "--report", report, "--statistics", "--preview", "-q"],
  );
  const [{ counts, seconds: time }] = JSON.parse(readFileSync(report, "utf8")).cases;
  const times = await timeEncodings({ threads, folder }, checkpoint);
  printStages(all, counts, time, times.ours);
  if (times.theirs) printPublishedWay(all, times, { time, counts });
  printTable(
    ["peak resident set of the process", "of which the weights"],
    [[`${(peak / 1e9).toFixed(2)} GB (< 3 GB)`, "0.37 GB"]],
  );
  console.log(`Floor of one encoding: ${seconds(encoderFlops() / peaks.FLOP)}.`);
}

/** The boxes of every label as Sub-Patch Localization would give them, cut along z. */
function organBoxes(labels) {
  const [, ny, nx] = scanShape;
  const bounds = Array.from({ length: organs + 1 }, () => ({
    min: [Infinity, Infinity, Infinity],
    max: [-1, -1, -1],
  }));
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === 0) continue;
    const index = [Math.floor(i / (ny * nx)), Math.floor(i / nx) % ny, i % nx];
    const { min, max } = bounds[label];
    for (let a = 0; a < 3; a++) {
      if (index[a] < min[a]) min[a] = index[a];
      if (index[a] > max[a]) max[a] = index[a];
    }
  }
  return Object.fromEntries(
    bounds.slice(1).map((box, i) => [`organ ${i + 1}`, { label: i + 1, box, parts: cut(box) }]),
  );
}

function cut({ min, max }) {
  const step = Math.floor((max[0] - min[0]) / parts);
  return Array.from({ length: parts }, (_, i) => {
    const low = min[0] + i * step;
    const high = i === parts - 1 ? max[0] : low + step;
    return { min: [low, min[1], min[2]], max: [high, max[1], max[2]] };
  });
}

const slicesOf = (organs) => {
  const slices = new Set();
  for (const { box } of Object.values(organs)) {
    for (let z = box.min[0]; z <= box.max[0]; z++) slices.add(z);
  }
  return [...slices].sort((a, b) => a - b);
};

/** The organs' boxes, limited to the middle slices. */
function keepSlices(organs, count) {
  const slices = slicesOf(organs);
  const first = slices[Math.floor((slices.length - count) / 2)];
  const last = first + count - 1;
  const clip = ({ min, max }) => ({
    min: [Math.max(min[0], first), min[1], min[2]],
    max: [Math.min(max[0], last), max[1], max[2]],
  });
  const isThere = ({ min, max }) => max[0] >= first && min[0] <= last;
  return Object.fromEntries(
    Object.entries(organs).map(([name, { label, box, parts }]) => [
      name,
      isThere(box)
        ? { label, box: clip(box), parts: parts.filter(isThere).map(clip) }
        : { label, present: false },
    ]),
  );
}

/** Runs the command. @returns its peak resident set in bytes */
function runCli(...args) {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [main, ...args.flat()], (error, _, stderr) =>
      error ? reject(new Error(stderr)) : resolve({ peak }),
    );
    let peak = 0;
    const look = () => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
      } catch {
        clearInterval(timer);
      }
    };
    const timer = setInterval(look, 100);
    child.on("exit", () => clearInterval(timer));
  });
}

/** One encoding of ours alone and one of the peer's, in turn. */
async function timeEncodings(context, checkpoint) {
  const peer = await encoderPeer(context, checkpoint);
  const { threads } = context;
  const sam = await Sam.load(checkpoint, { threads });
  const slice = new Float32Array(sam.imageSize ** 2).fill(100);
  const ours = () => wallSeconds(() => sam.encode(slice, { threads }));
  const theirs = async () => (await peer.run()).seconds;
  const times = await alternate({ ours, theirs: peer && theirs }, 3);
  peer?.close();
  sam.close();
  return times;
}

/** Seconds for the whole scan: stages that grow with the slices in proportion, the others as measured. */
function wholeScan(all, counts, time) {
  const slices = slicesOf(all).length;
  const scale = slices / counts.encoderRuns;
  return { slices, total: time.read + scale * time.segment + scale * time.write };
}

function printStages(all, counts, time, encoding) {
  const { slices, total } = wholeScan(all, counts, time);
  const each = (value) => seconds(value / counts.encoderRuns);
  printTable(
    ["stage", "a slice", "its share"],
    [
      ["encoding, nothing beside it", seconds(encoding), share(encoding, time, counts)],
      ["encoding, the other stages beside it", each(time.encode), ""],
      ["cutting out and resizing", each(time.prepare), ""],
      [
        `decoding (${(counts.prompts / counts.encoderRuns).toFixed(1)} prompts)`,
        each(time.decode),
        "",
      ],
      ["all of segmenting", each(time.segment), "100 %"],
    ],
  );
  // Seconds of the other stages, though they overlap the encoder's.
  const rest = (time.prepare + time.decode) / (time.prepare + time.decode + time.encode);
  const outside = time.read + time.write;
  printTable(
    [
      "scan",
      "run",
      "reading",
      "writing 22 masks, statistics, preview",
      "whole scan",
      "not the encoder",
    ],
    [
      [
        `${scanShape.toReversed().join("×")}, ${organs} organs in ${slices} slices`,
        `${counts.encoderRuns} slices`,
        seconds(time.read),
        seconds(time.write),
        `${seconds(total)} (in proportion)`,
        `${(100 * (rest + outside / total)).toFixed(1)} % (< 10 %)`,
      ],
    ],
  );
}

function share(encoding, time, counts) {
  return `${((100 * encoding * counts.encoderRuns) / time.segment).toFixed(1)} %`;
}

function printPublishedWay(all, times, { time, counts }) {
  const encodings = Object.values(all)
    .flatMap(({ parts }) => parts.map(({ min, max }) => max[0] - min[0] + 1))
    .reduce((a, b) => a + b, 0);
  const { slices, total } = wholeScan(all, counts, time);
  const published = encodings * times.theirs;
  printTable(
    [
      "the published way, its encoder alone",
      "time",
      "ours ÷ it",
      "sharing alone",
      "encoder ÷ encoder",
    ],
    [
      [
        `${encodings} encodings of ${seconds(times.theirs)} (onnxruntime-node), for ${slices} slices`,
        seconds(published),
        (total / published).toFixed(3),
        (slices / encodings).toFixed(3),
        (times.ours / times.theirs).toFixed(3),
      ],
    ],
  );
}
