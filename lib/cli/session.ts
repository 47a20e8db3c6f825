/** Session of a command: the API, loaded when it is needed, and the signal that stops the work. */
import type * as index from "../index.js";
import type { Interrupts } from "./interrupt.js";

export type Api = typeof index;

export interface Session {
  readonly signal: AbortSignal;
  /** The command's --threads, which bound the process. */
  threads?: number;
  /** The package's API. Loading it loads the native addon: `--help` and usage errors work where that cannot be. */
  api(): Promise<Api>;
  /** After an interrupt the work may take the time it needs to end well; a second interrupt still ends it at once. */
  waitForWork(): void;
  /** Ends the command with this exit status unless an error does. */
  exitCode: number;
}

export function createSession(interrupts: Interrupts): Session {
  const session: Session = {
    signal: interrupts.signal,
    exitCode: 0,
    waitForWork: interrupts.waitForWork,
    async api() {
      const api = await import("../index.js");
      interrupts.exitThrough(api.exitNow);
      if (session.threads !== undefined) api.setThreads(session.threads);
      return api;
    },
  };
  return session;
}
