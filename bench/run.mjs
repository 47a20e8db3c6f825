/**
 * `npm run bench [-- grid network similarity localize sam segment metrics train] [--threads N] [--device cuda]`: what each step takes, against
 * what the machine could do and against a peer that runs in between; --device is for train alone. Prints Markdown.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine, measurePeaks } from "./support/machine.mjs";

const names = ["grid", "network", "similarity", "localize", "sam", "segment", "metrics", "train"];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    device: { type: "string", default: "cpu" },
  },
});
const threads = Number(values.threads);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined || !Number.isInteger(threads) || threads < 1) {
  console.error(`Usage: npm run bench [-- ${names.join(" ")}] [--threads N] [--device cuda]`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "medlsam-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

console.log(await describeMachine(threads));
for (const name of positionals.length > 0 ? positionals : names) {
  const { bench } = await import(`./${name}.mjs`);
  console.log(`\n## ${name}\n`);
  // Measured again for each benchmark: on a shared machine the peaks change from minute to minute.
  await bench({ threads, device: values.device, folder, peaks: await measurePeaks(threads) });
}
