/**
 * `npm run bench:builds -- CHECKOUT [--runs N] [--threads N]`: whole commands of this checkout against those of another
 * one that is built too (`npm ci` there), in turn, on the same files. Prints Markdown: medians, and ratios run by run.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./support/machine.mjs";
import { printTable } from "./support/table.mjs";
import { median } from "./support/timing.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
  },
});
const [other] = positionals;
const [runs, threads] = [Number(values.runs), Number(values.threads)];
if (other === undefined || !(runs >= 1) || !(threads >= 1)) {
  console.error("Usage: npm run bench:builds -- CHECKOUT [--runs N] [--threads N]");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "medlsam-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const here = resolve(import.meta.dirname, "..");
const data = (path) => join(here, "test/conformance/data", path);

/** What a command of a checkout uses: seconds of the wall and of processors, and peak memory in MiB. */
function measure(checkout, args) {
  const result = join(folder, "result.json");
  const script = join(here, "bench/support/measured.mjs");
  const main = join(checkout, "dist/cli/main.js");
  const all = [script, result, main, ...args, "--threads", String(threads), "-q"];
  execFileSync(process.execPath, all, { stdio: ["ignore", "ignore", "inherit"] });
  return JSON.parse(readFileSync(result, "utf8"));
}

const scan = join(folder, "phantom-20026.nii.gz");
const phantom = ["phantom", "--seed", "20026", "--spacing", "3", "-o", folder];
measure(resolve(other), phantom);
const organs = ["--roi-subset", "liver,spleen,kidney_right,heart,aorta,urinary_bladder"];
const commands = {
  "phantom, 3 mm": [...phantom],
  "template build, one organ by its parts": [
    ...[
      "template",
      "build",
      "--images",
      data("ct/a.nii.gz"),
      "--labels",
      data("ct/a_label.nii.gz"),
    ],
    ...["--classes", "1", "--strategy", "spl", "--medlam", data("medlam/medlam.pth")],
    ...["-o", join(folder, "t.safetensors")],
  ],
  "localize, 22 organs, demo models, survey": [
    ...["localize", scan, "--models", "demo", "--survey", "-o", join(folder, "boxes.json")],
  ],
  "segment, 6 organs, demo models": [
    ...["segment", scan, "--models", "demo", ...organs, "-o", join(folder, "masks")],
  ],
};

console.log(`${await describeMachine(threads)}\n`);
const rows = [];
for (const [name, args] of Object.entries(commands)) {
  const pairs = [];
  // The first pair warms the files up and is not counted.
  for (let i = 0; i <= runs; i++) {
    const pair = [measure(resolve(other), args), measure(here, args)];
    if (i > 0) pairs.push(pair);
  }
  const cells = ["wall", "cpu", "memory"].map((figure) => {
    const digits = figure === "memory" ? 0 : 2;
    const [before, now] = [0, 1].map((which) => median(pairs.map((pair) => pair[which][figure])));
    const ratio = median(pairs.map(([a, b]) => b[figure] / a[figure]));
    return `${before.toFixed(digits)} → ${now.toFixed(digits)} (${ratio.toFixed(2)})`;
  });
  rows.push([name, ...cells]);
}
printTable(["command", "wall s", "processor s", "peak MiB"], rows);
