/** Checkpoints of random weights, as safetensors. */
import { closeSync, openSync, writeSync } from "node:fs";
import { uniform } from "./random.mjs";

export const product = (shape) => shape.reduce((a, b) => a * b, 1);

/** Writes tensors [{ name, shape, bound, middle }], uniform in middle ± bound, the same for the same seed. */
export function writeRandomTensors(path, tensors, seed) {
  const random = uniform(seed);
  const header = {};
  let end = 0;
  for (const { name, shape } of tensors) {
    const bytes = 4 * product(shape);
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, "w");
  writeSync(file, Buffer.concat([length, json]));
  for (const { shape, bound, middle = 0 } of tensors) {
    const values = new Float32Array(product(shape));
    for (let i = 0; i < values.length; i++) values[i] = middle + bound * (2 * random() - 1);
    writeSync(file, new Uint8Array(values.buffer));
  }
  closeSync(file);
}
