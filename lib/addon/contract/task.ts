/** Cancellation, progress, and the end of the process. */
import type { CancelHandle, Handle } from "./handles.js";

/** Last argument of every long call. */
export interface Task {
  /** Threads of the process that this call's loops may use. */
  threads: number;
  cancel?: CancelHandle;
  /** Called on the JS thread, at most every 50 ms and at the end of each phase; `phase` is "" where a call has one only. */
  onProgress?: (done: number, total: number, phase: string) => void;
}

export interface TaskAddon {
  /**
   * The number of threads that compute in this process, whatever calls there are: `wanted` in the first call of all
   * environments (this thread's and those of Workers), and what that fixed ever after.
   */
  threadsOfProcess(wanted: number): number;
  createCancel(): CancelHandle;
  cancel(handle: CancelHandle): void;
  release(handle: Handle<string>): void;
  /** Removes temporary files of unfinished writes and ends the process at once, running nothing else. */
  exitNow(code: number): never;
}
