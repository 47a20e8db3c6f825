/** Working through many scans: the next one is made ready meanwhile, and one that fails does not stop the others. */

import { AbortedError } from "../base/errors.js";
import { ahead } from "../pipeline/ahead.js";
import type { Case } from "../pipeline/cases.js";
import { describeError, exitCodeOf, exitCodes } from "./exit-codes.js";
import type { ProgressDisplay } from "./progress.js";
import type { Report } from "./report.js";

/** What came of one scan. */
export interface Done {
  /** For people. */
  line: string;
  /** For the report. */
  counts: Record<string, number>;
  seconds: Record<string, number>;
}

export interface CaseWork<Ready> {
  progress: ProgressDisplay;
  report: Report;
  /** Why the scan need not be worked on, if so. */
  skip(each: Case): Promise<string | undefined>;
  /** Called for the next scan while one is being worked on. */
  prepare(each: Case): Promise<Ready>;
  /** Frees what was prepared and will not be worked on. */
  drop(ready: Ready): void;
  work(each: Case, ready: Ready): Promise<Done>;
}

/** The exit code: that of the scan if there is one only. @throws AbortedError once that is what a scan ends with. */
export async function runCases<Ready>(
  cases: readonly Case[],
  { progress, report, skip, prepare, drop, work }: CaseWork<Ready>,
): Promise<number> {
  const codes: number[] = [];
  const prepareOrSkip = async (each: Case) => {
    const why = await skip(each);
    return why === undefined ? { ready: await prepare(each) } : { why };
  };
  const dropReady = (prepared: { ready?: Ready }) => {
    if (prepared.ready !== undefined) drop(prepared.ready);
  };
  for await (const { item, ready, error } of ahead(cases, prepareOrSkip, dropReady)) {
    try {
      if (ready === undefined) throw error;
      if (ready.why !== undefined) {
        report.add(item, { status: "skipped" });
        progress.say(ready.why);
        continue;
      }
      const { line, counts, seconds } = await work(item, ready.ready as Ready);
      report.add(item, { status: "done", counts, seconds });
      progress.say(line);
    } catch (failure) {
      progress.clear();
      if (failure instanceof AbortedError) throw failure;
      const told = describeError(failure, item.image);
      report.add(item, { status: "failed", error: told });
      process.stderr.write(`${told}\n`);
      codes.push(exitCodeOf(failure));
    }
  }
  return cases.length === 1 || codes.length === 0
    ? (codes[0] ?? exitCodes.done)
    : exitCodes.someFailed;
}
