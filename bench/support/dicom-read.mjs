/**
 * `node dicom-read.mjs ours|itk FOLDER THREADS`: reads a series in a new process, and prints what it took: seconds of wall and of
 * processors, the peak of memory in bytes, the longest delay of the event loop in seconds (ours only), and a sum of the values.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

const [reader, folder, threads] = process.argv.slice(2);
const files = readdirSync(folder).map((name) => join(folder, name));

const resolution = 1; // ms
const delays = monitorEventLoopDelay({ resolution });
const read = reader === "ours" ? await ours() : await itk();
await new Promise((resolve) => setTimeout(resolve, 20)); // the monitor's first look
delays.enable();
const started = performance.now();
const before = process.cpuUsage();
const values = await read();
const seconds = (performance.now() - started) / 1000;
await new Promise((resolve) => setTimeout(resolve, 20)); // and its last
delays.disable();
const { user, system } = process.cpuUsage(before);
const bytes = peak();
const delay = reader === "ours" ? Math.max(0, delays.max / 1e9 - resolution / 1e3) : undefined;
console.log(
  JSON.stringify({ seconds, cpu: (user + system) / 1e6, bytes, delay, sum: await values() }),
);
process.exit(0);

async function ours() {
  const { Volume } = await import("../../dist/index.js");
  return async () => {
    const volume = await Volume.read(folder, { threads: Number(threads) });
    return async () => sum(await volume.stored());
  };
}

async function itk() {
  const entry = join(
    process.env.MEDLSAM_ITK_WASM,
    "node_modules/@itk-wasm/dicom/dist/index-node.js",
  );
  const { readImageDicomFileSeriesNode } = await import(pathToFileURL(entry).href);
  return async () => {
    const { outputImage } = await readImageDicomFileSeriesNode({ inputImages: files });
    return async () => sum(outputImage.data);
  };
}

function sum(values) {
  let total = 0;
  for (const value of values) total += Number(value);
  return total;
}

function peak() {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
}
