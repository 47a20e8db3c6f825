/**
 * Holds the includes of native/ and the imports of lib/ against the table of ARCHITECTURE.md (folder | holds | may use):
 *   node scripts/check-architecture.mjs [root]
 * prints one line a fault and exits with 1 if there is any. A row names a folder (or a file) in backticks, and in its last
 * column, also in backticks and without native/ or lib/, those that it may use; words outside backticks are prose. The row
 * `native/*_test.cpp` lists what tests may use besides what their folder may. Faults are:
 *   a file in no row, a row without a file, an include or import (types and dynamic imports, too) that its row does
 *   not list, an arrow in a row that nothing uses, a circle of rows or of TypeScript files, and a CMakeLists.txt whose
 *   DEPENDS are not its row's.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const testsRow = "native/*_test.cpp";
const isTest = (path) => path.endsWith("_test.cpp");

/** Rows by name: the line of the row, and the names of what it may use. */
function readTable(markdown) {
  const rows = new Map();
  let inTable = false;
  for (const [i, line] of markdown.split("\n").entries()) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells[1] === "folder" && cells[3] === "may use") inTable = true;
    else if (!line.startsWith("|")) inTable = false;
    else if (inTable && !cells[1].startsWith("-")) {
      const name = quoted(cells[1])[0];
      const root = name.split("/")[0];
      rows.set(name, { line: i + 1, uses: quoted(cells[3]).map((other) => `${root}/${other}`) });
    }
  }
  return rows;
}

function quoted(cell) {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, name]) => name);
}

/** Sources of native/ and lib/, paths from the root with forward slashes. */
function listSources(root) {
  return ["native", "lib"].flatMap((top) =>
    existsSync(join(root, top))
      ? readdirSync(join(root, top), { recursive: true })
          .map((path) => posix.join(top, path.replaceAll("\\", "/")))
          .filter((path) => /\.(cpp|hpp|cu|ts|js)$/.test(path) || path.endsWith("CMakeLists.txt"))
          .sort()
      : [],
  );
}

/** The row that a file belongs to: that of the nearest folder. */
function rowOf(rows, path) {
  for (let at = path; at !== "."; at = posix.dirname(at)) if (rows.has(at)) return at;
  return undefined;
}

/** Files of this project that a file includes or imports, with the line. */
function dependencies(path, text) {
  if (/\.(cpp|hpp|cu)$/.test(path)) {
    const includes = text.matchAll(/^[ \t]*#[ \t]*include[ \t]+"([^"]+)"/gm);
    return Array.from(includes, (match) => ({
      target: `native/${match[1]}`,
      line: lineAt(text, match.index),
    }));
  }
  if (!path.endsWith(".ts")) return [];
  // `from "…"`, `import "…"` and `import("…")`; comments are blanked, so that lines keep their numbers.
  const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) =>
    comment.replace(/[^\n]/g, " "),
  );
  const imports = code.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g);
  return Array.from(imports, (match) => ({
    target: posix.join(posix.dirname(path), match[1]).replace(/\.js$/, ".ts"),
    line: lineAt(code, match.index),
  }));
}

function lineAt(text, index) {
  return text.slice(0, index).split("\n").length;
}

/** Circles of a graph (name → names): each as the path that comes back to its first name. */
function circles(graph) {
  const found = [];
  const done = new Set();
  const visit = (name, path) => {
    const seen = path.indexOf(name);
    if (seen >= 0) found.push([...path.slice(seen), name]);
    if (seen >= 0 || done.has(name)) return;
    for (const next of graph.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
  return found;
}

/** Arguments of the calls of a CMake command: the first, and the words under each upper-case keyword. */
function cmakeCalls(text, command) {
  const code = text.replace(/#.*$/gm, "");
  const calls = code.matchAll(new RegExp(`\\b${command}\\s*\\(([^)]*)\\)`, "g"));
  return Array.from(calls, ([, body]) => {
    const [name, ...words] = body.split(/\s+/).filter((word) => word !== "");
    const groups = new Map();
    let group = "";
    for (const word of words) {
      if (/^[A-Z_]+$/.test(word)) group = word;
      else groups.set(group, [...(groups.get(group) ?? []), word]);
    }
    return { name, groups, words };
  });
}

class Check {
  faults = [];

  constructor(root) {
    this.root = root;
    this.rows = readTable(readFileSync(join(root, "ARCHITECTURE.md"), "utf8"));
    this.sources = listSources(root);
    this.used = new Map([...this.rows.keys()].map((name) => [name, new Set()]));
    // Targets of CMake are called after their folder.
    this.rowOfTarget = new Map(
      [...this.rows.keys()].map((row) => [
        row.replace("native/", "medlsam_").replaceAll("/", "_"),
        row,
      ]),
    );
  }

  run() {
    if (this.rows.size === 0)
      return ["ARCHITECTURE.md: no table with the columns folder | holds | may use"];
    const files = this.sources.filter((path) => !path.endsWith("CMakeLists.txt"));
    this.checkRows(files);
    this.checkDependencies(files);
    for (const path of this.sources) if (path.endsWith("CMakeLists.txt")) this.checkCMake(path);
    this.checkUnused();
    this.checkCircles("rows of ARCHITECTURE.md", this.tableGraph());
    return this.faults;
  }

  tableGraph() {
    return new Map([...this.rows].map(([name, { uses }]) => [name, uses]));
  }

  checkRows(files) {
    const homeless = new Set();
    for (const path of files) if (!rowOf(this.rows, path)) homeless.add(posix.dirname(path));
    for (const folder of homeless)
      this.faults.push(`${folder}: in no row of ARCHITECTURE.md's table`);
    const inhabited = new Set(files.map((path) => rowOf(this.rows, path)));
    for (const [name, { line, uses }] of this.rows) {
      if (name !== testsRow && !inhabited.has(name))
        this.faults.push(`ARCHITECTURE.md:${line}: ${name} does not exist, or has no source`);
      for (const other of uses)
        if (!this.rows.has(other))
          this.faults.push(`ARCHITECTURE.md:${line}: ${name} may use ${other}, which has no row`);
    }
  }

  /** Includes and imports against the rows, and the rows against includes and imports. */
  checkDependencies(files) {
    const known = new Set(files);
    const imports = new Map();
    for (const path of files) {
      const row = rowOf(this.rows, path);
      if (!row) continue;
      const found = dependencies(path, readFileSync(join(this.root, path), "utf8"));
      if (path.endsWith(".ts"))
        imports.set(
          path,
          found.map(({ target }) => target),
        );
      for (const { target, line } of found) {
        if (!known.has(target)) {
          this.faults.push(`${path}:${line}: ${target} does not exist`);
          continue;
        }
        const other = rowOf(this.rows, target);
        if (!other || other === row) continue;
        // What a test needs and its folder does not is in the row of tests.
        const user = isTest(path) && !this.mayUse(row, other) ? testsRow : row;
        if (!this.mayUse(user, other))
          this.faults.push(`${path}:${line}: uses ${target}, but ${user} may not use ${other}`);
        if (user === testsRow || !isTest(path)) this.used.get(user)?.add(other);
      }
    }
    this.checkCircles("imports", imports);
  }

  /** The arrows of the rows against what was found in the files. */
  checkUnused() {
    for (const [name, { line, uses }] of this.rows)
      for (const other of uses)
        if (!this.used.get(name).has(other))
          this.faults.push(`ARCHITECTURE.md:${line}: nothing in ${name} uses ${other}`);
  }

  mayUse(row, other) {
    return this.rows.get(row)?.uses.includes(other) ?? false;
  }

  checkCircles(what, graph) {
    for (const path of circles(graph)) this.faults.push(`${what}: a circle, ${path.join(" → ")}`);
  }

  checkCMake(path) {
    const text = readFileSync(join(this.root, path), "utf8");
    for (const { name, groups } of cmakeCalls(text, "medlsam_library")) {
      const row = `native/${name}`;
      if (!this.rows.has(row)) {
        this.faults.push(`${path}: ${row} is a library, but has no row in ARCHITECTURE.md's table`);
        continue;
      }
      const depends = this.targets(
        path,
        (groups.get("DEPENDS") ?? []).map((each) => `medlsam_${each}`),
      );
      for (const other of depends)
        if (!this.mayUse(row, other))
          this.faults.push(`${path}: DEPENDS of ${row} has ${other}, which its row does not allow`);
      for (const other of this.rows.get(row).uses)
        if (!depends.includes(other))
          this.faults.push(`${path}: DEPENDS of ${row} lacks ${other}, which its row has`);
      this.checkTestDepends(path, row, groups.get("TEST_DEPENDS") ?? []);
    }
    for (const command of ["add_library", "add_executable"])
      for (const { name, words } of cmakeCalls(text, command)) {
        const source = words.find((word) => /\.cpp$/.test(word));
        const row = source && rowOf(this.rows, posix.join(posix.dirname(path), source));
        if (row) this.checkLinks(path, text, name, row);
      }
  }

  /** What tests link besides their folder's library is in its row or in that of tests. */
  checkTestDepends(path, row, names) {
    const libraries = names.map((name) => `medlsam_${name}`);
    for (const other of this.targets(path, libraries)) {
      if (this.mayUse(row, other)) continue;
      this.used.get(testsRow)?.add(other);
      if (!this.mayUse(testsRow, other))
        this.faults.push(
          `${path}: TEST_DEPENDS of ${row} has ${other}, which the row of tests does not allow`,
        );
    }
  }

  /** A program or plugin links no library that its row does not allow. */
  checkLinks(path, text, target, row) {
    const links = cmakeCalls(text, "target_link_libraries").filter(({ name }) => name === target);
    const libraries = links
      .flatMap(({ words }) => words)
      .filter((word) => /^medlsam_/.test(word) && word !== "medlsam_options");
    for (const other of this.targets(path, libraries))
      if (!this.mayUse(row, other) && other !== row)
        this.faults.push(
          `${path}: ${target} links ${other}, which the row of ${row} does not allow`,
        );
  }

  targets(path, names) {
    return names.flatMap((name) => {
      const row = this.rowOfTarget.get(name);
      if (!row)
        this.faults.push(`${path}: ${name} is the library of no row of ARCHITECTURE.md's table`);
      return row ?? [];
    });
  }
}

const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)));
const faults = new Check(root).run();
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(`${faults.length} faults: change the code, or the table of ARCHITECTURE.md.`);
  process.exitCode = 1;
}
