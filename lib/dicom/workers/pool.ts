/** Worker threads that read DICOM files for one call, and end with it. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { root } from "../../addon/loader.js";
import { AbortedError, InternalError } from "../../base/errors.js";
import type { Job, JobAnswer, JobMessage, JobResults } from "./jobs.js";

/** Worker threads run compiled files, from the package and in tests alike. */
const script = join(root, "dist/dicom/workers/worker.js");
const mostWorkers = 4;

/** A job that failed: a file's fault. `frame`: index of the frame in the job that failed. */
export class JobError extends Error {
  constructor(
    message: string,
    readonly frame: number | undefined,
  ) {
    super(message);
  }
}

interface Pending {
  id: number;
  job: Job;
  resolve(result: never): void;
  reject(error: unknown): void;
}

function send(worker: Worker, message: JobMessage): void {
  worker.postMessage(message);
}

/** Lets a thread that has nothing to do end by itself: this one would wait for one that is stopped to take itself down. */
function ended(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.once("exit", () => resolve());
    send(worker, "end");
  });
}

export class WorkerPool {
  readonly #idle: Worker[] = [];
  readonly #workers = new Set<Worker>();
  readonly #queue: Pending[] = [];
  readonly #running = new Map<Worker, Pending>();
  readonly #size: number;
  readonly #signal: AbortSignal | undefined;
  #nextId = 0;
  #closing: Promise<unknown> = Promise.resolve();
  #ended: unknown;

  constructor(options: { threads?: number; signal?: AbortSignal } = {}) {
    const { threads = availableParallelism(), signal } = options;
    this.#size = Math.max(1, Math.min(threads, mostWorkers));
    this.#signal = signal;
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
  }

  /** How many jobs run at a time. */
  get size(): number {
    return this.#size;
  }

  /** @throws JobError for a file that the job cannot be done with; AbortedError. */
  run<Kind extends Job["kind"]>(job: Job & { kind: Kind }): Promise<JobResults[Kind]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: this.#nextId++, job, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads; what waits is rejected. */
  async close(
    error: unknown = new InternalError("INTERNAL", "The pool is closed."),
  ): Promise<void> {
    this.#ended ??= error;
    this.#signal?.removeEventListener("abort", this.#abort);
    for (const each of [...this.#running.values(), ...this.#queue.splice(0)]) {
      each.reject(this.#ended);
    }
    this.#running.clear();
    const workers = [...this.#workers];
    this.#workers.clear();
    const idle = new Set(this.#idle.splice(0));
    const ending = workers.map((worker) => (idle.has(worker) ? ended(worker) : worker.terminate()));
    // An abort does not wait for it, but who closes the pool after it does.
    this.#closing = Promise.all([this.#closing, ...ending]);
    await this.#closing;
  }

  readonly #abort = () => {
    void this.close(new AbortedError(undefined, { cause: this.#signal?.reason }));
  };

  #next(): void {
    if (this.#ended !== undefined) {
      for (const each of this.#queue.splice(0)) each.reject(this.#ended);
      return;
    }
    if (this.#queue.length === 0) return;
    const worker =
      this.#idle.pop() ?? (this.#workers.size < this.#size ? this.#start() : undefined);
    const pending = worker && this.#queue.shift();
    if (!pending) return;
    this.#running.set(worker, pending);
    send(worker, { id: pending.id, job: pending.job });
  }

  #start(): Worker {
    // Flags of the process, as --input-type, may be none for a thread.
    const worker = new Worker(script, { execArgv: [] });
    this.#workers.add(worker);
    worker.on("message", (answer: JobAnswer) => this.#answer(worker, answer));
    // One that dies (of memory) must not leave its caller waiting.
    worker.on("error", (error) => this.#lose(worker, error.message));
    worker.on("exit", () => this.#lose(worker, "its thread ended"));
    return worker;
  }

  #answer(worker: Worker, answer: JobAnswer): void {
    const pending = this.#running.get(worker);
    if (pending?.id !== answer.id) return;
    this.#running.delete(worker);
    this.#idle.push(worker);
    if (!("error" in answer)) pending.resolve(answer.result as never);
    else pending.reject(new JobError(answer.error, answer.frame));
    this.#next();
  }

  #lose(worker: Worker, why: string): void {
    this.#workers.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    const pending = this.#running.get(worker);
    this.#running.delete(worker);
    pending?.reject(
      new InternalError("INTERNAL", `A thread that reads DICOM files ended: ${why}.`),
    );
    this.#next();
  }
}
