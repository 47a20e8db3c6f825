/** The machine that the numbers were measured on, and its peaks. */
import { cpus, loadavg, totalmem } from "node:os";
import { info } from "../../dist/index.js";
import { Peer } from "./peer.mjs";

/** A Markdown paragraph: processor, versions, load. */
export async function describeMachine(threads) {
  const { version, node, platform, simd, onnxRuntime } = await info();
  const gib = Math.round(totalmem() / 2 ** 30);
  return [
    `medlsam ${version} (${simd}), Node ${node}, ONNX Runtime ${onnxRuntime.version}, ${platform},`,
    `${cpus().length} × ${cpus()[0]?.model}, ${gib} GiB; ${threads} threads.`,
    `Load average at the start ${loadavg()[0]?.toFixed(1)}.`,
  ].join("\n");
}

/**
 * The machine's peaks, by which floors are computed: float32 matrix product in FLOP/s and copying in bytes/s (read plus
 * written), the best of several runs. NaN without NumPy.
 */
export async function measurePeaks(threads) {
  const peer = await Peer.start("peaks", [threads], threads);
  if (!peer) return { FLOP: Number.NaN, B: Number.NaN };
  const flops = (await peer.ask("multiply")).value;
  const bytes = (await peer.ask("copy")).value;
  await peer.close();
  const [gemm, copy] = [flops, bytes].map((rate) => (rate / 1e9).toFixed(0));
  console.log(
    `Peaks for the floors (NumPy): float32 matrix product ${gemm} GFLOP/s, copying ${copy} GB/s.\n`,
  );
  return { FLOP: flops, B: bytes };
}
