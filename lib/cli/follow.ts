/** A run over cases as the command shows it: progress and a line for each case, and the exit code at the end. */
import type { CaseOutcome, NamedCase, PipelineEvent } from "../index.js";
import { describeError, exitCodeOf, exitCodes } from "./exit-codes.js";
import type { ProgressDisplay } from "./progress.js";

/** For the `onEvent` of a run. @param subject what a case is called in the lines about it. */
export function showEvents<Each extends NamedCase, Result>(
  progress: ProgressDisplay,
  subject: (each: Each) => string,
): (event: PipelineEvent<Each, Result>) => void {
  let follow = progress.follow("");
  return (event) => {
    if (event.type === "case-started") follow = progress.follow(subject(event.case));
    if (event.type === "progress") follow(event);
    if (event.type === "note") progress.say(event.text);
  };
}

interface Lines<Each extends NamedCase, Result> {
  progress: ProgressDisplay;
  subject(each: Each): string;
  /** Takes the result of a case; the line for people about it, if there is one. */
  done(result: Result, each: Each): Promise<string | undefined> | string | undefined;
  failed?(error: unknown, each: Each): void;
}

/** Goes through the outcomes. The exit code is that of the case if there is one only. @throws AbortedError */
export async function followCases<Each extends NamedCase, Result>(
  outcomes: AsyncIterable<CaseOutcome<Each, Result>>,
  { progress, subject, done, failed }: Lines<Each, Result>,
): Promise<number> {
  const codes: number[] = [];
  let cases = 0;
  try {
    for await (const outcome of outcomes) {
      cases++;
      if (outcome.status === "done") {
        const line = await done(outcome.result, outcome.case);
        if (line !== undefined) progress.say(line);
      } else if (outcome.status === "skipped") {
        progress.say(`${outcome.case.name}: ${outcome.reason}, passed over`);
      } else {
        progress.clear();
        process.stderr.write(`${describeError(outcome.error, subject(outcome.case))}\n`);
        codes.push(exitCodeOf(outcome.error));
        failed?.(outcome.error, outcome.case);
      }
    }
  } finally {
    progress.clear();
  }
  return cases === 1 || codes.length === 0 ? (codes[0] ?? exitCodes.done) : exitCodes.someFailed;
}
