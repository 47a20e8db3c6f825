#!/usr/bin/env node
// Puts niivue, which pages show scans with, into lib/viewer/assets/niivue.js: one classic script, with the licences of all that is in
// it before it. Pages are opened from files, where browsers load neither modules nor neighbours, so it goes into each.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The package and all that it depends on, by name. */
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
// niivue's own is in its repository only.
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
