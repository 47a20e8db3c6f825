/**
 * The whole method on one scan: 22 organs in parts localized by a MedLAM of width 24 and segmented by ViT-B, against the published code's
 * way, which runs a patch for each point and encodes a slice for each organ's part on it. Both are measured on three organs and some slices,
 * and scaled to all; boxes to segment by are the label map's, because those of random weights are nowhere.
 */
import { join } from "node:path";
import {
  buildTemplates,
  labelBoxes,
  localize,
  MedLam,
  Sam,
  segment,
  Volume,
} from "../dist/index.js";
import { publishedWay } from "./localize.mjs";
import { encoderPeer } from "./sam.mjs";
import { writeCheckpoint } from "./support/medlam.mjs";
import { writeSamCheckpoint } from "./support/sam.mjs";
import { makeScan } from "./support/scan.mjs";
import { printTable, seconds, verdict } from "./support/table.mjs";
import { median, wallSeconds } from "./support/timing.mjs";

const shape = [160, 512, 512];
const organs = 22;
/** Their sizes are those of all: they recur after three. */
const localized = [10, 11, 12];
const scale = organs / localized.length;
/** Makes about as many points as 22 real organs have. */
const sliceInterval = 6;
/** Patches of which the published code wants the position alone, and runs the whole network. */
const queries = 10;
const slicesRun = 3;
const warmUps = 2;
const measured = 3;
const ways = [
  { precision: "float32", lattice: 0 },
  { precision: "bfloat16", lattice: 0 },
  { precision: "bfloat16", lattice: 16 },
];

export async function bench({ threads, folder }) {
  const { image, labels } = await makeScan(organs, shape);
  const file = join(folder, "scan.nii.gz");
  await image.write(file);
  const medlamFile = join(folder, "medlam24.safetensors");
  writeCheckpoint(medlamFile, 24);
  const samFile = join(folder, "vit_b.safetensors");
  writeSamCheckpoint(samFile);
  const network = await publishedWay({ threads, folder }, medlamFile);
  const encoding = await publishedEncoding({ threads, folder }, samFile);

  const { localizing, points, partsEach } = await localizeSome(
    { threads, file },
    medlamFile,
    image,
    labels,
  );
  const boxes = await labelBoxes(labels, { parts: partsOfAll(partsEach) });
  const work = sliceWork(boxes);
  const segmenting = {};
  for (const precision of new Set(ways.map((way) => way.precision)))
    segmenting[precision] = await encodeSome({ threads, image, boxes }, samFile, precision);
  image.close();
  labels.close();

  const published =
    network && encoding
      ? (points + queries) * network.network +
        points * network.similarity +
        work.encodings * encoding
      : undefined;
  print({ published, points, work, network, encoding, localizing, segmenting });
}

function print({ published, points, work, network, encoding, localizing, segmenting }) {
  const rows = ways.flatMap(({ precision, lattice }) => {
    const slice = segmenting[precision];
    if (slice === undefined) return [];
    const segmented = work.slices * slice;
    const total = localizing[lattice] + segmented;
    return [
      [
        `${precision}, ${lattice === 0 ? "no lattice" : `a lattice of ${lattice} voxels`}`,
        seconds(localizing[lattice]),
        `${seconds(segmented)} (${work.slices} of ${seconds(slice)})`,
        seconds(total),
        published === undefined ? "absent" : seconds(published),
        published === undefined ? "–" : verdict(total / published, 0.067),
      ],
    ];
  });
  printTable(
    ["ours", "localizing", "segmenting", "whole scan", "the published way", "ours ÷ it"],
    rows,
  );
  if (published === undefined) return;
  console.log(
    `The published way: ${points + queries} networks of ${seconds(network.network)} and ${points} similarities of ${seconds(network.similarity)} ` +
      `(PyTorch), ${work.encodings} encodings of ${seconds(encoding)} (onnxruntime-node, faster than the PyTorch that it uses); its grid, decoder and files are left out, ` +
      "ours has its reading, grid, slices and decoder.",
  );
}

/** Seconds of the published way's encoder for one slice, once it has its memory: its first two runs can take three times as long. */
async function publishedEncoding(context, checkpoint) {
  const peer = await encoderPeer(context, checkpoint);
  if (peer === undefined) return undefined;
  const times = [];
  for (let run = 0; run < warmUps + measured; run++) times.push((await peer.run()).seconds);
  peer.close();
  return median(times.slice(warmUps));
}

/** Seconds to localize all organs, by lattice, from those of some; points of all, and parts of each of the some. */
async function localizeSome({ threads, file }, checkpoint, image, labels) {
  const stored = await labels.stored();
  const some = await Volume.fromArray(
    Uint8Array.from(stored, (label) => (localized.includes(label) ? label : 0)),
    { shape, affine: image.affine },
  );
  const medlam = await MedLam.load(checkpoint, { threads });
  const supports = [{ image, labels: some }];
  const templates = await buildTemplates({
    medlam,
    threads,
    strategy: "spl",
    sliceInterval,
    supports,
  });
  const localizing = {};
  for (const lattice of new Set(ways.map((way) => way.lattice))) {
    const { timing } = await localize(file, { medlam, templates, threads, lattice });
    localizing[lattice] = timing.read + timing.grid + scale * (timing.network + timing.similarity);
  }
  const partsEach = templates.organs.map(({ parts }) => parts);
  const points = Math.round(scale * 6 * partsEach.reduce((sum, parts) => sum + parts, 0));
  templates.close();
  medlam.close();
  some.close();
  return { localizing, points, partsEach };
}

/** Organs of one size have as many parts. */
function partsOfAll(partsEach) {
  return new Map(
    Array.from({ length: organs }, (_, i) => [
      i + 1,
      partsEach[(i + 1 - localized[0] + organs * localized.length) % localized.length],
    ]),
  );
}

/** Slices that some organ is on, and encodings where each part of each organ has its own. */
function sliceWork(boxes) {
  const slices = new Set();
  let encodings = 0;
  for (const { box, parts } of boxes.values()) {
    for (let z = box.min[0]; z <= box.max[0]; z++) slices.add(z);
    for (const { min, max } of parts) encodings += max[0] - min[0] + 1;
  }
  return { slices: slices.size, encodings };
}

/** Seconds to segment a slice with all organs on it; undefined where the processor lacks the precision. */
async function encodeSome({ threads, image, boxes }, checkpoint, precision) {
  let sam;
  try {
    sam = await Sam.load(checkpoint, { threads, precision });
  } catch (error) {
    console.log(`Not in ${precision}: ${error.message}`);
    return undefined;
  }
  await sam.encode(new Float32Array(sam.imageSize ** 2), { threads });
  const first = shape[0] >> 1;
  const prompts = onSlices(boxes, first, first + slicesRun - 1);
  const taken = await wallSeconds(async () => {
    const found = await segment(image, { segmenter: sam, organs: prompts, threads });
    found.close();
  });
  sam.close();
  return taken / slicesRun;
}

/** The organs on these slices, cut to them. */
function onSlices(boxes, first, last) {
  const isThere = ({ min, max }) => max[0] >= first && min[0] <= last;
  const clip = ({ min, max }) => ({
    min: [Math.max(min[0], first), min[1], min[2]],
    max: [Math.min(max[0], last), max[1], max[2]],
  });
  return Object.fromEntries(
    [...boxes]
      .filter(([, { box }]) => isThere(box))
      .map(([label, { box, parts }]) => [
        `organ ${label}`,
        { label, box: clip(box), parts: parts.filter(isThere).map(clip) },
      ]),
  );
}
