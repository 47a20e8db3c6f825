/** A training run's learning curve: lines of JSON, TensorBoard events and a page that plots them. */
import { appendFileSync, createReadStream, existsSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { unwritable, writeWhole } from "../formats/files.js";
import { type CurveRecord, curvePage, type Panel } from "./plot.js";
import { EventFile } from "./tensorboard.js";

/** Paths of the curve's lines of JSON and of their plot. */
export function curveFiles(folder: string): { curve: string; plot: string } {
  return { curve: join(folder, "curve.jsonl"), plot: join(folder, "curve.html") };
}

export class LearningCurve {
  /** A line of JSON for every step and every epoch. */
  readonly path: string;
  /** The plot. */
  readonly page: string;
  #last: number;
  readonly #events: EventFile;
  readonly #panels: readonly Panel[];
  readonly #title: string;

  /**
   * @param step the last step in the run's checkpoint, 0 for a new run. Later records are removed: a run that was killed
   *   had written them after its last checkpoint.
   * @throws OutputError
   */
  constructor(folder: string, step: number, title: string, panels: readonly Panel[]) {
    const { curve, plot } = curveFiles(folder);
    this.path = curve;
    this.page = plot;
    this.#last = step;
    this.#title = title;
    this.#panels = panels;
    shorten(this.path, step);
    this.#events = new EventFile(folder, step);
  }

  /** Appends records in order, without undefined figures. @throws OutputError */
  add(...records: readonly CurveRecord[]): void {
    if (records.length === 0) return;
    try {
      appendFileSync(this.path, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
    this.#events.add(records.map((record) => ({ step: record.step, scalars: scalarsOf(record) })));
    this.#last = records.at(-1)?.step ?? this.#last;
  }

  /** Draws the curve so far. @throws OutputError */
  async plot(): Promise<void> {
    if (!existsSync(this.path) || this.#last === 0) return;
    writeWhole(
      this.page,
      await curvePage(this.#title, this.#panels, readRecords(this.path), this.#last),
    );
  }
}

async function* readRecords(path: string): AsyncGenerator<CurveRecord> {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const record = parseRecord(line);
    if (record) yield record;
  }
}

/** Figures under names such as "step/uam" and "epoch/uam": TensorBoard groups by the part before the slash. */
function scalarsOf({ step: _, epoch, ...figures }: CurveRecord): Map<string, number> {
  const group = epoch === undefined ? "step" : "epoch";
  return new Map(
    Object.entries(figures).flatMap(([name, value]) =>
      value === undefined ? [] : [[`${group}/${name}`, value]],
    ),
  );
}

function shorten(path: string, step: number): void {
  if (!existsSync(path)) return;
  let kept = 0;
  for (const line of readFileSync(path, "utf8").split(/(?<=\n)/)) {
    if (!line.endsWith("\n") || !((parseRecord(line)?.step ?? Number.POSITIVE_INFINITY) <= step)) {
      break;
    }
    kept += Buffer.byteLength(line);
  }
  try {
    truncateSync(path, kept);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function parseRecord(line: string): CurveRecord | undefined {
  try {
    return JSON.parse(line) as CurveRecord;
  } catch {
    return undefined;
  }
}
