/** The loop over cases: the next one is prepared while one is worked on, and one that fails does not stop the others. */
import type { Progress } from "../addon/call.js";
import { checkArguments } from "../base/arguments.js";
import { AbortedError } from "../base/errors.js";
import { aJob, loopOptions, namedCases } from "./arguments.js";
import type { CaseOutcome, NamedCase, PipelineEvent } from "./events.js";

/** How a job reports on the case it is at. */
export interface CaseReporter {
  onProgress(progress: Progress): void;
  onNote(text: string): void;
}

/** Work to be done for each case. */
export interface CaseJob<Each extends NamedCase, Ready, Result> {
  /** The reason why the case needs no work, if it needs none. */
  skip?(each: Each): Promise<string | undefined>;
  /** Preparation before the case's turn: two prepared cases are held at a time. */
  prepare(each: Each, reporter: CaseReporter): Promise<Ready>;
  work(each: Each, ready: Ready, reporter: CaseReporter): Promise<Result>;
  /** Frees what was prepared; called once for each prepared case, worked on or not. */
  release?(ready: Ready): void;
}

export interface RunCasesOptions<Each extends NamedCase, Result> {
  /** Whether the next case is prepared while one is worked on; true by default. */
  lookAhead?: boolean;
  signal?: AbortSignal;
  onEvent?: (event: PipelineEvent<Each, Result>) => void;
}

type Prepared<Ready> = { ready: Ready } | { reason: string } | { error: unknown };

/**
 * Works through the cases in their order and yields what became of each. Nothing is done before the first outcome is asked
 * for; a loop that is left early waits for the preparation under way, and frees it.
 * @throws AbortedError once a case ends with it; the outcomes so far have been yielded.
 */
export function runCases<Each extends NamedCase, Ready, Result>(
  cases: readonly Each[],
  job: CaseJob<Each, Ready, Result>,
  options: RunCasesOptions<Each, Result> = {},
): AsyncGenerator<CaseOutcome<Each, Result>, void, undefined> {
  const checked = { cases: [cases, namedCases], job: [job, aJob] } as const;
  checkArguments("runCases", { ...checked, options: [options, loopOptions] });
  return loop(cases, job, options);
}

async function* loop<Each extends NamedCase, Ready, Result>(
  cases: readonly Each[],
  job: CaseJob<Each, Ready, Result>,
  options: RunCasesOptions<Each, Result>,
): AsyncGenerator<CaseOutcome<Each, Result>, void, undefined> {
  const { lookAhead = true, signal, onEvent } = options;
  let turn: Each | undefined;
  const reporterOf = (each: Each): CaseReporter => ({
    // A case that is prepared ahead says nothing before its turn.
    onProgress: (progress) =>
      each === turn && onEvent?.({ type: "progress", case: each, ...progress }),
    onNote: (text) => onEvent?.({ type: "note", case: each, text }),
  });
  const begin = (each: Each) => prepare(each, job, reporterOf(each));
  let next: Promise<Prepared<Ready>> | undefined;
  try {
    for (const [index, each] of cases.entries()) {
      if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
      turn = each;
      onEvent?.({ type: "case-started", case: each, index, count: cases.length });
      const prepared = await (next ?? begin(each));
      const following = cases[index + 1];
      next = lookAhead && following !== undefined ? begin(following) : undefined;
      const outcome = await finish(each, prepared, job, reporterOf(each));
      const { status, ...rest } = outcome;
      onEvent?.({ type: `case-${status}`, ...rest } as PipelineEvent<Each, Result>);
      yield outcome;
    }
  } finally {
    const left = await next;
    if (left !== undefined && "ready" in left) job.release?.(left.ready);
  }
}

/** Never rejects: a case prepared ahead fails in its turn. */
async function prepare<Each extends NamedCase, Ready, Result>(
  each: Each,
  job: CaseJob<Each, Ready, Result>,
  reporter: CaseReporter,
): Promise<Prepared<Ready>> {
  try {
    const reason = await job.skip?.(each);
    return reason === undefined ? { ready: await job.prepare(each, reporter) } : { reason };
  } catch (error) {
    return { error };
  }
}

async function finish<Each extends NamedCase, Ready, Result>(
  each: Each,
  prepared: Prepared<Ready>,
  job: CaseJob<Each, Ready, Result>,
  reporter: CaseReporter,
): Promise<CaseOutcome<Each, Result>> {
  if ("reason" in prepared) return { status: "skipped", case: each, reason: prepared.reason };
  try {
    if ("error" in prepared) throw prepared.error;
    try {
      const result = await job.work(each, prepared.ready, reporter);
      return { status: "done", case: each, result };
    } finally {
      job.release?.(prepared.ready);
    }
  } catch (error) {
    if (error instanceof AbortedError) throw error;
    return { status: "failed", case: each, error };
  }
}
