#!/usr/bin/env node
// Builds the addon with CMake, through cmake-js:
//   node scripts/build-native.mjs [OUTPUT_FOLDER]
//   node scripts/build-native.mjs --tests           and the C++ tests, from the same objects
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { argv, execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const prerequisites =
  "Building needs CMake 3.24 or later, make or ninja, and a C++20 compiler (GCC 11 or Clang 14 or later).\n" +
  "Debian, Ubuntu: apt install cmake make g++ · Fedora: dnf install cmake make gcc-c++ · macOS: xcode-select --install " +
  "and brew install cmake";

function fail(message) {
  console.error(`medlsam: ${message}\n${prerequisites}`);
  exit(1);
}

const cmake = spawnSync("cmake", ["--version"], { encoding: "utf8" });
if (cmake.error) fail(`cmake could not be run: ${cmake.error.message}.`);
const [, major, minor] = /version (\d+)\.(\d+)/.exec(cmake.stdout) ?? [0, 0, 0];
if (major < 3 || (major === "3" && minor < 24)) fail(`CMake ${major}.${minor} is too old.`);

const cmakeJs = createRequire(import.meta.url).resolve("cmake-js/bin/cmake-js");
const tests = argv[2] === "--tests";
const output = resolve(root, (!tests && argv[2]) || "build/Release");
const settings = [
  ...["--directory", root, "--out", resolve(root, "build-cmake")],
  `--CDMEDLSAM_OUTPUT_DIR=${output}`,
  `--CDMEDLSAM_TESTS=${tests ? "ON" : "OFF"}`,
];
const run = (...args) =>
  spawnSync(execPath, [cmakeJs, ...args, ...settings], { cwd: root, stdio: "inherit" }).status ===
  0;
// `compile` alone keeps the settings of a folder that is configured already.
if (!run("configure") || !run("compile", "--parallel", String(availableParallelism()))) {
  fail("the addon could not be built; the reason is above.");
}
