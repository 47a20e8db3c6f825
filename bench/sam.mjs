/** Part 6.2: one slice through SAM's image encoder, against the same ViT in onnxruntime-node. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Sam } from "../dist/index.js";
import { Peer } from "./support/peer.mjs";
import { uniform } from "./support/random.mjs";
import { encoderFlops, imageSize, writeSamCheckpoint } from "./support/sam.mjs";
import { printSteps } from "./support/table.mjs";
import { alternate, wallSeconds } from "./support/timing.mjs";

const runs = 5;

export async function bench({ threads, folder, peaks }) {
  const checkpoint = join(folder, "vit_b.safetensors");
  writeSamCheckpoint(checkpoint);
  const peer = await encoderPeer({ threads, folder }, checkpoint);
  const slice = grayNoise();
  const sams = await loadPrecisions(checkpoint, threads);
  const embeddings = {};
  const contenders = {};
  for (const [precision, sam] of Object.entries(sams)) {
    contenders[precision] = () =>
      wallSeconds(async () => {
        embeddings[precision] = await sam.encode(slice, { threads });
      });
  }
  let sample;
  const theirs = async () => {
    const reply = await peer.run();
    sample = reply.sample;
    return reply.seconds;
  };
  const times = await alternate({ ...contenders, theirs: peer && theirs }, runs);
  if (peer) checkEmbedding(embeddings.float32, sample);
  peer?.close();
  for (const sam of Object.values(sams)) sam.close();
  printSteps(
    Object.keys(sams).map((precision) => ({
      what: `image encoder, ${precision}`,
      size: `1 × ${imageSize}², ViT-B`,
      floor: { amount: encoderFlops(), unit: "FLOP" },
      time: times[precision],
      runs,
      peer: "onnxruntime-node, float32",
      peerTime: times.theirs,
      atMost: { float32: 0.625, bfloat16: 0.333 }[precision],
    })),
    peaks,
  );
}

/** SAM in float32 and, where the processor has it, in bfloat16. */
async function loadPrecisions(checkpoint, threads) {
  const sams = { float32: await Sam.load(checkpoint, { threads }) };
  try {
    sams.bfloat16 = await Sam.load(checkpoint, { threads, precision: "bfloat16" });
  } catch (error) {
    console.log(`Not in bfloat16: ${error.message}`);
  }
  return sams;
}

function grayNoise() {
  const random = uniform(5);
  return Float32Array.from({ length: imageSize ** 2 }, () => Math.floor(256 * random()));
}

/** The peer, its model and slice loaded; undefined where Python cannot write the model. */
export async function encoderPeer({ threads, folder }, checkpoint) {
  const model = join(folder, "vit_b.onnx");
  const writer = await Peer.start("sam_graph", [checkpoint, model, 12, 14, 2, 5, 8, 11], threads);
  if (writer === undefined) return undefined;
  await writer.close();
  const slice = grayNoise();
  const input = join(folder, "slice.f32");
  const rgb = new Float32Array(3 * slice.length);
  for (let channel = 0; channel < 3; channel++) rgb.set(slice, channel * slice.length);
  writeFileSync(input, rgb);
  const script = fileURLToPath(new URL("./peers/onnxruntime-node.mjs", import.meta.url));
  const child = fork(script, [model, input, 3, imageSize, threads].map(String));
  await once(child, "message");
  return {
    async run() {
      child.send("run");
      const [reply] = await once(child, "message");
      return reply;
    },
    close: () => child.kill(),
  };
}

function checkEmbedding(ours, sample) {
  const values = Array.from(ours).filter((_, i) => i % 997 === 0);
  const deviation = Math.sqrt(sample.reduce((sum, v) => sum + v * v, 0) / sample.length);
  const difference = Math.max(...sample.map((value, i) => Math.abs(value - values[i])));
  if (!(difference < 2e-3 * deviation)) {
    throw new Error(
      `The peer's embedding is another: off by ${difference}, its size ${deviation}.`,
    );
  }
}
