/** MedLAM for the benchmarks: its number of operations, and a checkpoint with random weights. */
import { product, writeRandomTensors } from "./safetensors.mjs";

/** The published network's. */
export const patchEdge = 64;
const levels = 5;

/** Channels of each pair of units conv0 … conv8, in multiples of the width: input, between, output. 0: one channel. */
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

function* layers(width, patch) {
  for (const [k, channels] of units.entries()) {
    const decoder = k >= levels;
    const edge = patch >> (decoder ? 8 - k : k);
    for (const j of [1, 2]) {
      const shape = [channels[j] * width, Math.max(1, channels[j - 1] * width), 3, 3, 3];
      yield { name: `conv${k}_${j}.model.conv1_1.Conv`, shape, positions: edge ** 3, decoder };
    }
  }
  const sizes = [(patch ** 3 / 4096) * 16 * width, 8 * width, 4 * width, 3];
  for (const i of [1, 2, 3]) {
    yield { name: `fc${i}`, shape: [sizes[i], sizes[i - 1]], positions: 1, decoder: false };
  }
}

/** Multiplications and additions of one patch's convolutions and linear layers: all, or up to the position only. */
export function flops(width, positionOnly = false, patch = patchEdge) {
  const counted = [...layers(width, patch)].filter(({ decoder }) => !(positionOnly && decoder));
  return counted.reduce((sum, { shape, positions }) => sum + 2 * product(shape) * positions, 0);
}

/** Writes a checkpoint of random weights as safetensors, the same for the same seed. */
export function writeCheckpoint(path, width, seed = 1, patch = patchEdge) {
  const tensors = [...layers(width, patch)].flatMap(({ name, shape }) => {
    const inputs = product(shape) / shape[0];
    // Keeps the values' size from layer to layer; positions are near 0.1, where tanh is far from flat.
    const bound = (name === "fc3" ? 0.1 : 1) * Math.sqrt(3 / inputs);
    return [
      { name: `${name}.weight`, shape, bound },
      { name: `${name}.bias`, shape: [shape[0]], bound: 0.1 },
    ];
  });
  writeRandomTensors(path, tensors, seed);
}
