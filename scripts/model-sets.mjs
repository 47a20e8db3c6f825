/**
 * Fills in what the files of a model set say themselves, in each models/NAME.json: organs, note, sizes and hashes.
 *   node scripts/model-sets.mjs           writes them (npm run models:sets)
 *   node scripts/model-sets.mjs --check   exits with 1 if one is not what would be written
 * A new set needs name, purpose, license, citation, and the files' paths. Run `npm run compile` first.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Checkpoint, Templates } from "../dist/index.js";

const folder = fileURLToPath(new URL("../models/", import.meta.url));
const check = process.argv[2] === "--check";

for (const entry of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const path = `${folder}${entry}`;
  const text = readFileSync(path, "utf8");
  const said = JSON.parse(text);
  const files = Object.entries(said.files).map(([key, file]) => [key, describe(file.path)]);
  const { organs } = await Templates.open(`${folder}${said.files.templates.path}`);
  const notes = await Promise.all(
    [said.files.medlam, said.files.sam].map(
      async (file) => (await Checkpoint.open(`${folder}${file.path}`)).note,
    ),
  );
  const { name, purpose, license, citation } = said;
  const full = {
    ...{ name, purpose, organs: organs.map((organ) => organ.name), license, citation },
    ...{ note: [...new Set(notes)].filter(Boolean).join("; "), files: Object.fromEntries(files) },
  };
  const wanted = `${JSON.stringify(full, null, 2)}\n`;
  if (check && JSON.stringify(said) !== JSON.stringify(full)) {
    console.error(`models/${entry} is not what its files say: run npm run models:sets.`);
    process.exitCode = 1;
  }
  if (!check) writeFileSync(path, wanted);
}

function describe(path) {
  const content = readFileSync(`${folder}${path}`);
  return {
    path,
    bytes: content.length,
    sha256: createHash("sha256").update(content).digest("hex"),
  };
}
