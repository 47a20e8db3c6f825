/**
 * The loop over cases: while one is worked on, the next one is prepared and the one before concluded. One that fails does not stop
 * the others.
 */
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
  /** Preparation before the case's turn: two prepared cases are held at a time, three with `conclude`. */
  prepare(each: Each, reporter: CaseReporter): Promise<Ready>;
  work(each: Each, ready: Ready, reporter: CaseReporter): Promise<Result>;
  /**
   * The rest of the work, such as writing files, while the next case is worked on, where cases are prepared ahead at all. The
   * case's outcome then comes after the next one's work.
   */
  conclude?(each: Each, result: Result, reporter: CaseReporter): Promise<void>;
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
 * for; a loop that is left early waits for the preparation and the conclusion under way, and frees what they hold.
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
  const tell = (outcome: CaseOutcome<Each, Result>) => {
    const { status, ...rest } = outcome;
    onEvent?.({ type: `case-${status}`, ...rest } as PipelineEvent<Each, Result>);
    return outcome;
  };
  const concludesBeside = lookAhead && job.conclude !== undefined;
  let next: Promise<Prepared<Ready>> | undefined;
  let last: Promise<CaseOutcome<Each, Result>> | undefined;
  try {
    for (const [index, each] of cases.entries()) {
      if (signal?.aborted) {
        if (concludesBeside && last !== undefined) yield tell(await last);
        throw new AbortedError(undefined, { cause: signal.reason });
      }
      turn = each;
      onEvent?.({ type: "case-started", case: each, index, count: cases.length });
      const prepared = await (next ?? begin(each));
      const following = cases[index + 1];
      next = lookAhead && following !== undefined ? begin(following) : undefined;
      const { outcome, aborted } = await workOn(each, prepared, job, reporterOf(each));
      const ended = concludesBeside ? last : outcome;
      last = outcome;
      if (ended !== undefined) yield tell(await ended);
      if (aborted) await outcome;
    }
    if (concludesBeside && last !== undefined) yield tell(await last);
  } finally {
    await last?.catch(() => {});
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

/** Ends when the case is worked on: its outcome may take longer, and rejects with an AbortedError alone. */
async function workOn<Each extends NamedCase, Ready, Result>(
  each: Each,
  prepared: Prepared<Ready>,
  job: CaseJob<Each, Ready, Result>,
  reporter: CaseReporter,
): Promise<{ outcome: Promise<CaseOutcome<Each, Result>>; aborted: boolean }> {
  const worked = (async () => {
    if ("error" in prepared) throw prepared.error;
    if ("reason" in prepared) return undefined;
    return { result: await job.work(each, prepared.ready, reporter) };
  })();
  let aborted = false;
  await worked.catch((error) => {
    aborted = error instanceof AbortedError;
  });
  const outcome = conclude(each, prepared, worked, job, reporter);
  outcome.catch(() => {}); // heard when it is its turn
  return { outcome, aborted };
}

async function conclude<Each extends NamedCase, Ready, Result>(
  each: Each,
  prepared: Prepared<Ready>,
  worked: Promise<{ result: Result } | undefined>,
  job: CaseJob<Each, Ready, Result>,
  reporter: CaseReporter,
): Promise<CaseOutcome<Each, Result>> {
  if ("reason" in prepared) return { status: "skipped", case: each, reason: prepared.reason };
  try {
    const { result } = (await worked) as { result: Result };
    await job.conclude?.(each, result, reporter);
    return { status: "done", case: each, result };
  } catch (error) {
    if (error instanceof AbortedError) throw error;
    return { status: "failed", case: each, error };
  } finally {
    if ("ready" in prepared) job.release?.(prepared.ready);
  }
}
