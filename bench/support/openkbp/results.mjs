/** What was measured, in a folder: a file for each row of the tables and patient. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class Results {
  #folder;

  constructor(folder) {
    this.#folder = folder;
  }

  /** Path in the folder; the folder of it is there afterwards. */
  path(...parts) {
    mkdirSync(join(this.#folder, ...parts.slice(0, -1)), { recursive: true });
    return join(this.#folder, ...parts);
  }

  /** What {@link write} kept of a row and patient, or undefined. */
  read(row, patient) {
    const file = join(this.#folder, row, `${patient}.json`);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  }

  /** The file appears whole or not at all: a run may end at any time. */
  write(row, patient, result) {
    const file = this.path(row, `${patient}.json`);
    writeFileSync(`${file}.partial`, JSON.stringify(result));
    renameSync(`${file}.partial`, file);
  }
}
