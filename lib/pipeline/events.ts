/** Events of a run over cases, and the outcome of each case. */
import type { Progress } from "../addon/call.js";

/** One piece of work of a run, such as a scan. Its name is unique in the run. */
export interface NamedCase {
  readonly name: string;
}

/**
 * An event of a run. Every case that a run comes to gives `case-started`, then any number of `progress` and `note`,
 * then exactly one of `case-done`, `case-skipped` and `case-failed`, which may come after the next case has started where its
 * files are written beside that; a run that is aborted ends within a case.
 */
export type PipelineEvent<Each extends NamedCase, Result> =
  | {
      type: "case-started";
      case: Each;
      /** Place of the case in the run, from 0, of `count`. */
      index: number;
      count: number;
    }
  | ({ type: "progress"; case: Each } & Progress)
  /** A sentence for people about the case, such as why a figure could not be computed. */
  | { type: "note"; case: Each; text: string }
  | { type: "case-done"; case: Each; result: Result }
  | { type: "case-skipped"; case: Each; reason: string }
  | { type: "case-failed"; case: Each; error: unknown };

/** Outcome of one case. */
export type CaseOutcome<Each extends NamedCase, Result> =
  | { status: "done"; case: Each; result: Result }
  | { status: "skipped"; case: Each; reason: string }
  | { status: "failed"; case: Each; error: unknown };
