/** `--report`: a run's settings, and what came of each scan, as one JSON file. */

import { writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import type { Case } from "../pipeline/cases.js";

type Outcome =
  | { status: "done"; counts: Record<string, number>; seconds: Record<string, number> }
  | { status: "skipped" }
  | { status: "failed"; error: string };

export class Report {
  readonly #started = new Date();
  readonly #cases: object[] = [];
  readonly #settings: object;
  readonly #models: object;

  /** @param models fingerprints of the weights and templates. */
  constructor(settings: object, models: object) {
    this.#settings = settings;
    this.#models = models;
  }

  add({ name, image }: Case, outcome: Outcome): void {
    this.#cases.push({ name, image, ...outcome });
  }

  /** @throws OutputError */
  write(path: string): void {
    const report = {
      version: 1,
      started: this.#started.toISOString(),
      finished: new Date().toISOString(),
      settings: this.#settings,
      models: this.#models,
      cases: this.#cases,
    };
    writeWhole(path, `${formatJson(report)}\n`);
  }
}
