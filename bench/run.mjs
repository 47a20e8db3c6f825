/**
 * `npm run bench [-- grid network similarity localize sam segment scan metrics train dicom] [--threads N] [--device cuda] [--json FILE]`: what each
 * step takes, against what the machine could do and against a peer that runs in between; --device is for train alone. Prints Markdown; with
 * --json, writes the same numbers, unrounded.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine, measurePeaks } from "./support/machine.mjs";
import { printed } from "./support/table.mjs";

const names = [
  "grid",
  "network",
  "similarity",
  "localize",
  "sam",
  "segment",
  "scan",
  "metrics",
  "train",
  "dicom",
];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    device: { type: "string", default: "cpu" },
    json: { type: "string" },
  },
});
const threads = Number(values.threads);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined || !Number.isInteger(threads) || threads < 1) {
  console.error(
    `Usage: npm run bench [-- ${names.join(" ")}] [--threads N] [--device cuda] [--json FILE]`,
  );
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "medlsam-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

const machine = await describeMachine(threads);
console.log(machine);
const benches = {};
for (const name of positionals.length > 0 ? positionals : names) {
  const { bench } = await import(`./${name}.mjs`);
  console.log(`\n## ${name}\n`);
  const before = printed.length;
  // Measured again for each benchmark: on a shared machine the peaks change from minute to minute.
  await bench({ threads, device: values.device, folder, peaks: await measurePeaks(threads) });
  benches[name] = printed.slice(before);
}
if (values.json !== undefined) {
  const date = new Date().toISOString();
  writeFileSync(values.json, `${JSON.stringify({ date, machine, threads, benches }, null, 2)}\n`);
}
