#!/usr/bin/env node
// Builds the torch plugin (build-torch/medlsam_torch.so) on the libtorch that it finds:
//   node scripts/build-torch.mjs          LIBTORCH, else an installed Python torch, else the wheel, downloaded
//   node scripts/build-torch.mjs --tests  and its C++ tests
//   node scripts/build-torch.mjs --find   only prints libtorch's folder, without downloading; exit code 1 if none
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { availableParallelism, homedir } from "node:os";
import { dirname, join } from "node:path";
import { argv, env, exit } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const build = join(root, "build-torch");
const cache = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "medlsam");
const pythons = [env.PYTHON, "python3", "python"].filter(Boolean);
const attempts = [];

function isLibtorch(folder) {
  return existsSync(join(folder, "include/ATen/ATen.h")) && existsSync(join(folder, "lib"));
}

/** The folder if it holds libtorch; otherwise records the attempt for the error message. */
function attempt(what, folder) {
  if (folder && isLibtorch(folder)) return folder;
  attempts.push(`  tried ${what}: ${folder ? `no libtorch in ${folder}` : "not there"}`);
  return undefined;
}

function installedTorch(python) {
  const where =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s else '')";
  const found = spawnSync(python, ["-c", where], { encoding: "utf8" });
  const origin = found.status === 0 ? found.stdout.trim() : "";
  return attempt(`torch of ${python}`, origin && dirname(origin));
}

const unpacked = join(cache, "libtorch");

/** A wheel downloaded without its dependencies. A CUDA wheel cannot be linked: CUDA's libraries are in other wheels. */
function attemptWheel(what, folder) {
  if (!existsSync(join(folder, "lib/libtorch_cuda.so"))) return attempt(what, folder);
  attempts.push(`  tried ${what}: ${folder} is for CUDA, whose libraries are not in it`);
  return undefined;
}

/** Downloads torch's wheel with pip, under pip's own configuration, and unpacks it into the cache folder. */
function download(python) {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${unpacked}.`);
  try {
    console.error(`medlsam: downloading torch's wheel with ${python} -m pip into ${cache}`);
    const pip = [
      "-m",
      "pip",
      "download",
      "torch",
      "--no-deps",
      "--only-binary",
      ":all:",
      "-d",
      work,
    ];
    const run = (args) => spawnSync(python, args, { stdio: ["ignore", "inherit", "inherit"] });
    if (run(pip).status !== 0) return attempt(`${python} -m pip download torch`, "");
    const wheel = readdirSync(work).find((name) => name.endsWith(".whl")) ?? "";
    run(["-m", "zipfile", "-e", join(work, wheel), join(work, "wheel")]);
    const torch = attemptWheel("the downloaded wheel", join(work, "wheel/torch"));
    if (torch === undefined) return undefined;
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(torch, unpacked);
    return unpacked;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function find(mayDownload) {
  if (env.LIBTORCH) return attempt("LIBTORCH", env.LIBTORCH);
  for (const python of pythons) {
    const found = installedTorch(python);
    if (found) return found;
  }
  const kept = attemptWheel("what was downloaded before", unpacked);
  if (kept || !mayDownload) return kept;
  for (const python of pythons) {
    const found = download(python);
    if (found) return found;
  }
  return undefined;
}

const onlyFind = argv[2] === "--find";
const libtorch = find(!onlyFind);
if (libtorch === undefined) {
  console.error(
    `medlsam: libtorch was not found.\n${attempts.join("\n")}\n` +
      "Unpack libtorch 2.6 or later and set LIBTORCH to its folder, or `pip install torch` (a CPU build will do).",
  );
  exit(1);
}
console.log(libtorch);
if (onlyFind) exit(0);

const cmake = (...args) => spawnSync("cmake", args, { cwd: root, stdio: "inherit" }).status === 0;
const settings = ["-DMEDLSAM_ADDON=OFF", "-DMEDLSAM_TORCH=ON", `-DLIBTORCH=${libtorch}`];
settings.push(`-DMEDLSAM_TORCH_TESTS=${argv[2] === "--tests" ? "ON" : "OFF"}`);
const jobs = String(Math.min(availableParallelism(), 4));
if (!cmake("-S", root, "-B", build, ...settings) || !cmake("--build", build, "--parallel", jobs)) {
  console.error("medlsam: the torch plugin could not be built; the reason is above.");
  exit(1);
}
