/** A run's report: its settings and models, and what became of each scan, as one JSON file. */
import { MedLsamError } from "../base/errors.js";
import { writeWhole } from "../formats/files.js";
import { formatJson } from "../formats/json.js";
import type { ScanCase } from "./cases.js";
import type { CaseOutcome } from "./events.js";
import type { ModelFacts } from "./models.js";
import type { ScanResult } from "./result.js";

export class Report {
  readonly #started = new Date();
  readonly #cases: object[] = [];
  readonly #settings: object;
  readonly #models: ModelFacts;

  constructor(settings: object, models: ModelFacts) {
    this.#settings = settings;
    this.#models = models;
  }

  add(outcome: CaseOutcome<ScanCase, ScanResult>): void {
    const { status } = outcome;
    const { name, image } = outcome.case;
    this.#cases.push({ name, image, status, ...describe(outcome) });
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

function describe(outcome: CaseOutcome<ScanCase, ScanResult>): object {
  if (outcome.status === "done") {
    const { counts, seconds, warnings } = outcome.result;
    return { counts, seconds, ...(warnings.length > 0 && { warnings }) };
  }
  if (outcome.status === "skipped") return {};
  const { error } = outcome;
  const text = error instanceof Error ? error.message : String(error);
  // The lines below the first list a scan's series: for the eyes of whoever runs it, not for a file.
  const [message = ""] = text.split("\n", 1);
  return { error: message, ...(error instanceof MedLsamError && { code: error.code }) };
}
