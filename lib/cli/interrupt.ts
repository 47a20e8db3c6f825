/** Ctrl-C: ask the running work to stop, and stop it if it does not. */
import { exitCodes } from "./exit-codes.js";

/** Native work looks at its cancel flag between patches; what still runs after this many milliseconds is cut off. */
const patience = 600;

export interface Interrupts {
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** How to end the process at once and leave no temporary file; `process.exit` until this is called. */
  exitThrough(exitNow: (code: number) => never): void;
  /** From now on the first signal lets the work end by itself, however long that takes. */
  waitForWork(): void;
}

/** Watches SIGINT and SIGTERM until the process ends. A second one ends the process at once. */
export function watchInterrupts(): Interrupts {
  const controller = new AbortController();
  let exitNow: (code: number) => never = process.exit;
  let patient = false;
  const stop = () => {
    if (controller.signal.aborted) exitNow(exitCodes.interrupted);
    controller.abort();
    if (patient) return;
    // Unreferenced: it must not keep a process alive whose work did stop.
    setTimeout(() => exitNow(exitCodes.interrupted), patience).unref();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    exitThrough(given) {
      exitNow = given;
    },
    waitForWork() {
      patient = true;
    },
  };
}
