import { native } from "./loader.js";

/**
 * @internal Ends the process with this exit status at once, also while native code computes, and leaves no temporary file.
 */
export function exitNow(code: number): never {
  return native.exitNow(code);
}
