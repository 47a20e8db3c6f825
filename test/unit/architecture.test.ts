/** scripts/check-architecture.mjs on small trees: one that keeps to its table, and that tree with one thing wrong. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const script = fileURLToPath(new URL("../../scripts/check-architecture.mjs", import.meta.url));

const table = `| folder | holds | may use |
|---|---|---|
| \`native/base\` | errors | – |
| \`native/kernels\` | loops | \`base\`, zlib |
| \`native/testing\` | what tests share | \`kernels\` |
| \`native/*_test.cpp\` | tests | \`testing\` |
| \`lib/base\` | errors | – |
| \`lib/volumes\` | volumes | \`base\` |
| \`lib/index.ts\` | the API | \`volumes\` |
| \`lib/cli\` | the command | \`index.ts\` |
`;

const tree: Record<string, string> = {
  "ARCHITECTURE.md": `# Architecture\n\n${table}\nMore.\n`,
  "native/base/error.hpp": "#pragma once\n",
  "native/base/CMakeLists.txt": "medlsam_library(base SOURCES error.cpp)\n",
  "native/kernels/fft.cpp": '#include <cmath>\n#include "base/error.hpp"\n',
  "native/kernels/fft_test.cpp": '#include "testing/data.hpp"\n#include "kernels/fft.cpp"\n',
  "native/kernels/CMakeLists.txt":
    "medlsam_library(kernels # loops\n  SOURCES fft.cpp\n  DEPENDS base\n  TESTS fft_test.cpp)\n",
  "native/testing/data.hpp": '#include "kernels/fft.cpp"\n',
  "lib/base/errors.ts": "export const code = 1;\n",
  "lib/volumes/volume.ts": 'import { code } from "../base/errors.js";\nexport { code };\n',
  "lib/index.ts": 'export * from "./volumes/volume.js";\n',
  "lib/cli/main.ts": '// import "../volumes/volume.js"\nimport { code } from "../index.js";\n',
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "medlsam-architecture-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Lines that the script prints for the tree with these files changed or added. */
function faults(changes: Record<string, string> = {}): string[] {
  for (const [path, text] of Object.entries({ ...tree, ...changes })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: "utf8" });
  const lines = stderr.split("\n").filter((line) => line !== "");
  expect(status).toBe(lines.length === 0 ? 0 : 1);
  return lines.slice(0, -1);
}

it("finds nothing in a tree that keeps to its table", () => {
  expect(faults()).toEqual([]);
});

it("finds an include that points up", () => {
  expect(faults({ "native/base/error.hpp": '#pragma once\n#include "kernels/fft.cpp"\n' })).toEqual(
    [
      "native/base/error.hpp:2: uses native/kernels/fft.cpp, but native/base may not use native/kernels",
    ],
  );
});

it("finds a test's header in a library", () => {
  const text = `${tree["native/kernels/fft.cpp"]}#include "testing/data.hpp"\n`;
  expect(faults({ "native/kernels/fft.cpp": text })).toEqual([
    "native/kernels/fft.cpp:3: uses native/testing/data.hpp, but native/kernels may not use native/testing",
  ]);
});

it.each([
  ["an import", 'import { code } from "../volumes/volume.js";'],
  ["an import over several lines", 'import {\n  code,\n} from "../volumes/volume.js";'],
  ["an import of types", 'import type { code } from "../volumes/volume.js";'],
  ["a re-export", 'export { code } from "../volumes/volume.js";'],
  ["an import for its effects", 'import "../volumes/volume.js";'],
  ["a dynamic import", 'await import("../volumes/volume.js");'],
  ["a type's dynamic import", 'type Code = typeof import("../volumes/volume.js");'],
])("finds %s that passes the API by", (_, text) => {
  const lines = faults({ "lib/cli/main.ts": `${text}\nimport "../index.js";\n` });
  expect(lines).toEqual([
    expect.stringMatching(
      /^lib\/cli\/main\.ts:\d: uses lib\/volumes\/volume\.ts, but lib\/cli may not use lib\/volumes$/,
    ),
  ]);
});

it("finds a folder without a row and a row without a folder", () => {
  expect(faults({ "lib/formats/json.ts": "" })).toEqual([
    "lib/formats: in no row of ARCHITECTURE.md's table",
  ]);
  const row = "| `lib/viewer` | pages | – |\n";
  rmSync(join(root, "lib/formats"), { recursive: true });
  expect(faults({ "ARCHITECTURE.md": table + row })).toEqual([
    "ARCHITECTURE.md:11: lib/viewer does not exist, or has no source",
  ]);
});

it("finds an arrow that nothing uses, and rows in a circle", () => {
  const changed = table.replace("errors | – |\n| `lib/vol", "errors | `volumes` |\n| `lib/vol");
  expect(faults({ "ARCHITECTURE.md": changed })).toEqual([
    "ARCHITECTURE.md:7: nothing in lib/base uses lib/volumes",
    "rows of ARCHITECTURE.md: a circle, lib/base → lib/volumes → lib/base",
  ]);
});

it("finds files that import each other, be it only types", () => {
  const lines = faults({
    "lib/base/errors.ts": 'import type { text } from "./text.js";\nexport const code = 1;\n',
    "lib/base/text.ts": 'import { code } from "./errors.js";\nexport const text = code;\n',
  });
  expect(lines).toEqual([
    "imports: a circle, lib/base/errors.ts → lib/base/text.ts → lib/base/errors.ts",
  ]);
});

it("finds a library whose DEPENDS are not its row's", () => {
  expect(
    faults({
      "native/base/CMakeLists.txt":
        "medlsam_library(base DEPENDS kernels)\nmedlsam_library(base/new SOURCES a.cpp)\n",
      "native/kernels/CMakeLists.txt": "medlsam_library(kernels SOURCES fft.cpp)\n",
    }),
  ).toEqual([
    "native/base/CMakeLists.txt: DEPENDS of native/base has native/kernels, which its row does not allow",
    "native/base/CMakeLists.txt: native/base/new is a library, but has no row in ARCHITECTURE.md's table",
    "native/kernels/CMakeLists.txt: DEPENDS of native/kernels lacks native/base, which its row has",
  ]);
});

it("finds tests that link what neither their folder's row nor that of tests allows", () => {
  const library = (tests: string) =>
    `medlsam_library(kernels SOURCES fft.cpp DEPENDS base TESTS fft_test.cpp TEST_DEPENDS ${tests})\n`;
  const path = "native/kernels/CMakeLists.txt";
  expect(faults({ [path]: library("base testing") })).toEqual([]);
  expect(faults({ [path]: library("kernels") })).toEqual([
    "native/kernels/CMakeLists.txt: TEST_DEPENDS of native/kernels has native/kernels, which the row of tests does not allow",
  ]);
});

it("finds a program that links what its row does not allow", () => {
  const text =
    "add_executable(tool error.cpp)\ntarget_link_libraries(tool PRIVATE medlsam_kernels doctest)\n";
  expect(faults({ "native/base/CMakeLists.txt": text })).toEqual([
    "native/base/CMakeLists.txt: tool links native/kernels, which the row of native/base does not allow",
  ]);
});

it("finds a file that is not there, and a document without a table", () => {
  expect(faults({ "lib/base/errors.ts": 'export * from "./gone.js";\n' })).toEqual([
    "lib/base/errors.ts:1: lib/base/gone.ts does not exist",
  ]);
  expect(faults({ "ARCHITECTURE.md": "# Architecture\n" })).toEqual([
    "ARCHITECTURE.md: no table with the columns folder | holds | may use",
  ]);
});
