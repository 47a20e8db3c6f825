/** `npm run soak [-- CASES]`: many small scans through one `medlsam segment`. The resident set must not grow with them. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { printTable } from "./support/table.mjs";

const cases = Number(process.argv[2] ?? 200);
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const data = (path) => fileURLToPath(new URL(`../test/conformance/data/${path}`, import.meta.url));
const medlam = data("medlam/medlam.pth");

const folder = mkdtempSync(join(tmpdir(), "medlsam-soak-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const [scans, masks] = ["scans", "masks"].map((name) => join(folder, name));
for (const path of [scans, masks]) mkdirSync(path);
const templates = join(folder, "templates.safetensors");
await run(
  ["template", "build", data("ct/a.nii.gz"), "--labels", data("ct/a_label.nii.gz")],
  ["--medlam", medlam, "--classes", "1", "-o", templates, "-q"],
);
for (let i = 0; i < cases; i++) {
  const source = ["a", "b", "q"][i % 3];
  copyFileSync(
    data(`ct/${source}.nii.gz`),
    join(scans, `case${String(i).padStart(4, "0")}.nii.gz`),
  );
}

const resident = new Map();
await run(
  ["segment", scans, "-t", templates, "--medlam", medlam, "--sam", data("sam/sam_tiny.pth")],
  ["-o", masks, "--min-score", "-1", "--statistics", "--preview", "-q"],
  (pid) => {
    const done = readdirSync(masks).filter((name) => !name.startsWith(".")).length;
    if (!resident.has(done)) resident.set(done, residentSet(pid));
  },
);
const marks = [1, 10, ...[0.25, 0.5, 0.75].map((part) => Math.round(cases * part)), cases - 1];
const at = (mark) => [...resident].findLast(([done]) => done <= mark)?.[1] ?? Number.NaN;
printTable(
  ["scans done", "resident set", "÷ that after the tenth"],
  marks.map((mark) => [
    String(mark),
    `${(at(mark) / 1e6).toFixed(0)} MB`,
    (at(mark) / at(10)).toFixed(3),
  ]),
);

function residentSet(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
}

function run(...args) {
  const look = typeof args.at(-1) === "function" ? args.pop() : undefined;
  const child = spawn(process.execPath, [main, ...args.flat()], { stdio: "inherit" });
  const timer = look && setInterval(() => child.exitCode === null && look(child.pid), 50);
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => {
      clearInterval(timer);
      if (code === 0) resolve();
      else reject(new Error(`medlsam ended with ${code}.`));
    });
  });
}
