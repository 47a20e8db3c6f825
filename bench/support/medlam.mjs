/** MedLAM as the benchmarks need it: how much work it is, and a checkpoint with random weights. */
import { writeFileSync } from "node:fs";
import { uniform } from "./random.mjs";

export const patchEdge = 64;
const levels = 5;

/** Channels of each pair of units conv0 … conv8, in multiples of the width: into it, between, out. 0: one channel. */
const units = [
  [0, 2, 2],
  [2, 2, 2],
  [2, 2, 4],
  [4, 4, 8],
  [8, 8, 16],
  [24, 8, 8],
  [12, 4, 4],
  [6, 4, 4],
  [6, 4, 4],
];

function* layers(width) {
  for (const [k, channels] of units.entries()) {
    const decoder = k >= levels;
    const edge = patchEdge >> (decoder ? 8 - k : k);
    for (const j of [1, 2]) {
      const shape = [channels[j] * width, Math.max(1, channels[j - 1] * width), 3, 3, 3];
      yield { name: `conv${k}_${j}.model.conv1_1.Conv`, shape, positions: edge ** 3, decoder };
    }
  }
  const sizes = [(patchEdge ** 3 / 4096) * 16 * width, 8 * width, 4 * width, 3];
  for (const i of [1, 2, 3]) {
    yield { name: `fc${i}`, shape: [sizes[i], sizes[i - 1]], positions: 1, decoder: false };
  }
}

const product = (shape) => shape.reduce((a, b) => a * b, 1);

/** Multiplications and additions of one patch's convolutions and layers: all, or up to the position only. */
export function flops(width, positionOnly = false) {
  const counted = [...layers(width)].filter(({ decoder }) => !(positionOnly && decoder));
  return counted.reduce((sum, { shape, positions }) => sum + 2 * product(shape) * positions, 0);
}

/** Writes a checkpoint of random weights as safetensors, the same for the same seed. */
export function writeCheckpoint(path, width, seed = 1) {
  const random = uniform(seed);
  const header = {};
  const parts = [];
  let end = 0;
  const add = (name, shape, bound) => {
    const values = Float32Array.from({ length: product(shape) }, () => bound * (2 * random() - 1));
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
    parts.push(values);
  };
  for (const { name, shape } of layers(width)) {
    const inputs = product(shape) / shape[0];
    // Values keep their size from layer to layer; positions come out near 0.1, where tanh is far from flat.
    add(`${name}.weight`, shape, (name === "fc3" ? 0.1 : 1) * Math.sqrt(3 / inputs));
    add(`${name}.bias`, [shape[0]], 0.1);
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(
    path,
    Buffer.concat([length, json, ...parts.map(({ buffer }) => Buffer.from(buffer))]),
  );
}
