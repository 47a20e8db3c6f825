// Checks that the package, packed as for publishing, loads its prebuild without a build folder or a compiler.
// Run `npm run compile` and `npm run prebuild` first.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "medlsam-prebuild-"));
try {
  const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", temporary];
  const [{ filename }] = JSON.parse(execFileSync("npm", pack, { cwd: root, encoding: "utf8" }));
  execFileSync("tar", ["-xzf", join(temporary, filename), "-C", temporary]);

  const copy = join(temporary, "package");
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const run = (...args) => execFileSync(execPath, args, { cwd: copy, encoding: "utf8" }).trim();

  run("scripts/install.mjs");
  assert.ok(
    !existsSync(join(copy, "build")),
    "the install script compiled, though there is a prebuild",
  );
  const load = 'import { info } from "medlsam"; console.log(JSON.stringify(await info()));';
  const { onnxRuntime } = JSON.parse(run("--input-type=module", "-e", load));
  assert.ok(!onnxRuntime.error, onnxRuntime.error);
  // Series are read in worker threads, whose script and codecs must be found in the package, too.
  const read =
    'import { Volume } from "medlsam"; console.log((await Volume.read(process.argv[1])).shape.join());';
  const series = join(root, "test/conformance/data/dicom/syntax/jpegls");
  assert.equal(run("--input-type=module", "-e", read, series), "12,84,96");
  console.log(`${filename}: the prebuild loads, with ONNX Runtime ${onnxRuntime.version}`);
} finally {
  rmSync(temporary, { recursive: true });
}
