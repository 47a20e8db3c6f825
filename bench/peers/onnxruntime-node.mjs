// An ONNX file in onnxruntime-node, what transformers.js runs on: onnxruntime-node.mjs MODEL INPUT.f32 CHANNELS EDGE THREADS.
// A process of its own, because that package computes on the JavaScript thread's watch. Answers every message with the
// seconds that a run took, and after the first run with every 997th value of the output.
import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";

const [model, input, channels, edge, threads] = process.argv.slice(2);
const session = await InferenceSession.create(model, {
  executionProviders: ["cpu"],
  intraOpNumThreads: Number(threads),
});
const bytes = readFileSync(input);
const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const tensor = new Tensor("float32", values, [1, Number(channels), Number(edge), Number(edge)]);
process.on("message", async () => {
  const started = performance.now();
  const outputs = await session.run({ [session.inputNames[0]]: tensor });
  const seconds = (performance.now() - started) / 1000;
  const { data } = outputs[session.outputNames[0]];
  process.send({ seconds, sample: Array.from(data).filter((_, i) => i % 997 === 0) });
});
process.send({ ready: true });
