/** Ctrl-C: asks the running work to stop, and ends the process if it does not. */
import { exitCodes } from "./exit-codes.js";

/** Milliseconds after which the process ends; native work checks its cancel flag between patches. */
const patience = 600;

export interface Interrupts {
  /** Fires at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Sets the function that ends the process without leaving temporary files; `process.exit` by default. */
  exitThrough(exitNow: (code: number) => never): void;
  /** From now on the work may take any time to end after the first signal. */
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
    // Unreferenced, so that the timer does not keep the process alive once the work has stopped.
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
