#!/usr/bin/env node
// Bundles niivue, which shows scans on pages of results, into lib/viewer/assets/niivue.js: one classic script, preceded by
// the licenses of everything in it. Every page contains it, because browsers load no modules or other files for a page
// that is opened from a file.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The package and all its dependencies, by name. */
function withDependencies(name, found = new Map()) {
  const folder = join(modules, name);
  if (found.has(name) || !existsSync(folder)) return found;
  const about = readJson(join(folder, "package.json"));
  found.set(name, { folder, version: about.version, license: about.license });
  for (const other of Object.keys(about.dependencies ?? {})) withDependencies(other, found);
  return found;
}

function licenseText({ folder }) {
  const file = readdirSync(folder).find((each) => /^licen[sc]e/i.test(each));
  return file === undefined ? "" : readFileSync(join(folder, file), "utf8").trim();
}

const niivue = "@niivue/niivue";
const packages = [...withDependencies(niivue)];
// niivue's own license is only in its repository.
const own = readFileSync(join(root, "lib/viewer/assets/niivue-license.txt"), "utf8").trim();
const licenses = packages.map(([name, about]) => {
  const text = name === niivue ? own : licenseText(about);
  return `${name} ${about.version} (${about.license})\n\n${text}`.replaceAll("*/", "* /");
});
const built = dirname(dirname(dirname(fileURLToPath(import.meta.resolve(niivue)))));
const script = readFileSync(join(built, "dist/niivue.umd.js"), "utf8");
// It would end the element that holds it.
if (/<\/script|<!--/i.test(script)) throw new Error(`${niivue} cannot stand inside a page.`);
writeFileSync(
  join(root, "lib/viewer/assets/niivue.js"),
  `/*\n${licenses.join("\n\n---\n\n")}\n*/\n${script}`,
);
