/** The command's exit codes, and the text of its errors. */
import {
  AbortedError,
  InputError,
  InternalError,
  MedLsamError,
  OutputError,
  UsageError,
} from "../base/errors.js";
import { oneLine, printable } from "./text.js";

export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  badInput: 3,
  someFailed: 4,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The end of every help text. */
export const exitCodesHelp = `
Exit codes:
  0    done
  1    internal error, or a native library is missing
  2    wrong usage
  3    bad input, or output that cannot be written
  4    some of several images failed; the others were written
  130  interrupted`;

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage;
  if (error instanceof InputError || error instanceof OutputError) return exitCodes.badInput;
  if (error instanceof AbortedError) return exitCodes.interrupted;
  return exitCodes.internal;
}

/** `medlsam: subject: message`, on one line if it is about a subject; with the stack where MEDLSAM_DEBUG is set. */
export function describeError(error: unknown, subject?: string): string {
  const known = error instanceof MedLsamError && !(error instanceof InternalError);
  const message = error instanceof Error ? error.message : String(error);
  const text = known ? message : `${message} (this is a bug: please report it)`;
  // Most messages begin with the file they are about, which need not be repeated.
  const prefix = subject === undefined || text.startsWith(`${subject}:`) ? "" : `${subject}: `;
  const line = `medlsam: ${subject === undefined ? printable(text) : oneLine(prefix + text)}`;
  const stack = process.env.MEDLSAM_DEBUG && error instanceof Error ? error.stack : undefined;
  return stack === undefined ? line : `${line}\n${stack}`;
}
