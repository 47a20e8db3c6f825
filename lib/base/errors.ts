/**
 * Every error this package throws on purpose is a {@link MedLsamError} with a stable `code`. Its class tells who can
 * do something about it, its code what happened, and its message what, where and what to do.
 */

/** Stable codes, by the class that carries them. */
export const errorCodes = {
  /** The call or command line is wrong: correct it. */
  UsageError: ["BAD_ARGUMENT"],
  /** A file or array is wrong: give another. */
  InputError: [
    "FILE_NOT_FOUND",
    "READ_FAILED",
    "BAD_VOLUME",
    "BAD_LABELS",
    "NOT_HU",
    "GEOMETRY_MISMATCH",
    "BAD_CHECKPOINT",
    "BAD_TEMPLATES",
    "TEMPLATE_MISMATCH",
    "BAD_ANNOTATION",
  ],
  /** The result could not be written: free space, change permissions or the path. Nothing was lost. */
  OutputError: ["WRITE_FAILED"],
  /** The caller's AbortSignal fired. */
  AbortedError: ["ABORTED"],
  /** A native library is missing or too old, a GPU failed, or another process of a training run is gone: see the message. */
  UnavailableError: ["RUNTIME_UNAVAILABLE", "OUT_OF_MEMORY", "DEVICE_FAILED"],
  /** A bug in this package or a runtime below it: please report it. */
  InternalError: ["INTERNAL"],
} as const;

type Codes = typeof errorCodes;
export type ErrorCode = Codes[keyof Codes][number];

/** Base of all errors of this package. */
export class MedLsamError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Wrong call or command line (`BAD_ARGUMENT`). CLI exit code 2. */
export class UsageError extends MedLsamError {
  declare readonly code: Codes["UsageError"][number];
  constructor(message: string, options?: ErrorOptions) {
    super("BAD_ARGUMENT", message, options);
  }
}

/** Unusable input (see {@link errorCodes}). CLI exit code 3. */
export class InputError extends MedLsamError {
  declare readonly code: Codes["InputError"][number];
}

/** Output that could not be written (`WRITE_FAILED`). CLI exit code 3. */
export class OutputError extends MedLsamError {
  declare readonly code: Codes["OutputError"][number];
}

/** Canceled through an AbortSignal (`ABORTED`). CLI exit code 130. */
export class AbortedError extends MedLsamError {
  declare readonly code: Codes["AbortedError"][number];
  constructor(message = "The operation was aborted.", options?: ErrorOptions) {
    super("ABORTED", message, options);
  }
}

/** A runtime, a GPU or another process of a training is missing or failed (see {@link errorCodes}). CLI exit code 1. */
export class UnavailableError extends MedLsamError {
  declare readonly code: Codes["UnavailableError"][number];
}

/** A bug (`INTERNAL`). CLI exit code 1. */
export class InternalError extends MedLsamError {
  declare readonly code: Codes["InternalError"][number];
}

/** An error of the right class for an error code of the native code. */
export function errorFromCode(code: string, message: string, options?: ErrorOptions): MedLsamError {
  const has = (name: keyof Codes) => (errorCodes[name] as readonly string[]).includes(code);
  if (has("UsageError")) return new UsageError(message, options);
  if (has("InputError")) return new InputError(code as InputError["code"], message, options);
  if (has("OutputError")) return new OutputError("WRITE_FAILED", message, options);
  if (has("AbortedError")) return new AbortedError(message, options);
  if (has("UnavailableError")) {
    return new UnavailableError(code as UnavailableError["code"], message, options);
  }
  return new InternalError("INTERNAL", message, options);
}

/** An error for a file that could not be read, from what reading it threw. */
export function unreadable(path: string, cause: unknown): InputError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === "ENOENT"
    ? new InputError("FILE_NOT_FOUND", `${path}: no such file or folder. Check the path.`, {
        cause,
      })
    : new InputError("READ_FAILED", `${path}: cannot be read: ${message}.`, { cause });
}
