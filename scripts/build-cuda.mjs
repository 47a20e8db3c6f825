#!/usr/bin/env node
// Builds the CUDA plugin (build-cuda/medlsam_cuda.so) with the nvcc that it finds; no GPU and no driver is needed:
//   node scripts/build-cuda.mjs            for all architectures from 7.5 on that nvcc knows, and PTX for later ones
//   node scripts/build-cuda.mjs --arch 90  for these only (75,90); MEDLSAM_CUDA_ARCHITECTURES is the same
//   node scripts/build-cuda.mjs --tests    and the C++ tests of the kernels, which run on the host, and on a GPU if one is there
//   node scripts/build-cuda.mjs --find     only prints nvcc's path; exit code 1 if there is none
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { argv, env, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const build = join(root, "build-cuda");
// Compute capabilities of GPUs, without the point. Those of one major number run each other's code upward.
const known = ["75", "80", "86", "89", "90", "100", "120"];

/** Where nvcc may be: what the environment names, the command path, and where NVIDIA's installers put it. */
function candidates() {
  const folders = [env.CUDA_HOME, env.CUDA_PATH].filter(Boolean);
  const named = folders.map((folder) => join(folder, "bin/nvcc"));
  return [env.CUDACXX, ...named, "nvcc", "/usr/local/cuda/bin/nvcc"].filter(Boolean);
}

/** nvcc's path and the architectures that it compiles for, or undefined. */
function findNvcc() {
  for (const path of candidates()) {
    const listed = spawnSync(path, ["--list-gpu-code"], { encoding: "utf8" });
    if (listed.status !== 0) continue;
    const codes = Array.from(listed.stdout.matchAll(/sm_(\d+)\b/g), ([, code]) => code);
    return { path, architectures: known.filter((each) => codes.includes(each)) };
  }
  return undefined;
}

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    arch: { type: "string", default: env.MEDLSAM_CUDA_ARCHITECTURES },
    tests: { type: "boolean", default: false },
    find: { type: "boolean", default: false },
  },
});

const nvcc = findNvcc();
if (nvcc === undefined) {
  console.error(
    `medlsam: no nvcc was found (tried ${candidates().join(", ")}). Install the CUDA toolkit 12 or later, or name its ` +
      "compiler in CUDACXX.",
  );
  exit(1);
}
console.log(nvcc.path);
if (values.find) exit(0);

const wanted = values.arch?.split(/[,;]/) ?? nvcc.architectures;
const unknown = wanted.filter((each) => !nvcc.architectures.includes(each));
if (unknown.length > 0) {
  console.error(
    `medlsam: ${unknown.join(", ")} cannot be compiled for; nvcc knows ${nvcc.architectures.join(", ")} ` +
      "(compute capabilities without the point).",
  );
  exit(2);
}
// Machine code for each, and PTX, which a driver compiles for the GPUs between and after them, of the last two.
const architectures = wanted.map((each, i) => (i < wanted.length - 2 ? `${each}-real` : each));

const cmake = (...args) => spawnSync("cmake", args, { cwd: root, stdio: "inherit" }).status === 0;
const settings = [
  "-DMEDLSAM_ADDON=OFF",
  "-DMEDLSAM_CUDA=ON",
  `-DMEDLSAM_TESTS=${values.tests ? "ON" : "OFF"}`,
  `-DCMAKE_CUDA_COMPILER=${nvcc.path}`,
  `-DMEDLSAM_CUDA_ARCHITECTURES=${architectures.join(";")}`,
];
const targets = ["medlsam_cuda_device", "medlsam_cuda_bench"];
if (values.tests)
  targets.push(
    ...["cuda", "cuda_plugin", "cuda_scan", "kernels_cuda"].map((name) => `medlsam_${name}_tests`),
  );
const jobs = String(Math.min(availableParallelism(), 4));
if (
  !cmake("-S", root, "-B", build, ...settings) ||
  !cmake("--build", build, "--parallel", jobs, "--target", ...targets)
) {
  console.error("medlsam: the CUDA plugin could not be built; the reason is above.");
  exit(1);
}
