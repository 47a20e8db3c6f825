/** Writes a long text file part by part, whole or not at all. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { CallOptions } from "../addon/call.js";
import { AbortedError, MedLsamError } from "../base/errors.js";
import { temporaryName, unwritable } from "../formats/files.js";

/** An existing file at `path` stays until the new one is whole. @throws OutputError; AbortedError; errors of `parts`. */
export async function writeParts(
  path: string,
  parts: AsyncIterable<string>,
  { signal }: CallOptions,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = createWriteStream(temporary, { encoding: "utf8", flags: "wx", flush: true });
    await pipeline(parts, file, { ...(signal && { signal }) });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    if (signal?.aborted) throw new AbortedError(undefined, { cause: signal.reason });
    if (cause instanceof MedLsamError) throw cause;
    throw unwritable(path, cause);
  }
}
