/** Reads the small text files that come with scans: points, names, centers. */
import { createReadStream } from "node:fs";
import { z } from "zod";
import { InputError } from "../base/errors.js";

/** Far more than any annotation needs: a volume given by mistake is refused before it fills memory. */
const maxBytes = 16 * 1024 * 1024;

/** An error for an annotation file that was read but cannot be used. */
export function badAnnotation(path: string, message: string, options?: ErrorOptions): InputError {
  return new InputError("BAD_ANNOTATION", `${path}: ${message}`, options);
}

/** The text of a UTF-8 file (or pipe) without its byte order mark. */
export async function readAnnotationText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: maxBytes }))
      chunks.push(chunk as Buffer);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new InputError("FILE_NOT_FOUND", `${path}: no such file. Check the path.`, { cause });
    }
    throw new InputError("READ_FAILED", `${path}: cannot be read: ${message}.`, { cause });
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > maxBytes) {
    throw badAnnotation(
      path,
      "is larger than 16 MB, too large for an annotation file. Give the text file meant here.",
    );
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badAnnotation(path, "is not UTF-8 text. Give a text file, saved as UTF-8.", { cause });
  }
}

export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badAnnotation(path, `is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}

/** The schema's output, or an error with the file and the place in its JSON. `at`: the path of `value` in the JSON. */
export function validate<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  value: unknown,
  at: PropertyKey[] = [],
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const place = z.core.toDotPath([...at, ...(issue?.path ?? [])]);
  throw badAnnotation(
    path,
    `${place === "" ? "" : `at ${place}: `}${issue?.message ?? "is not valid"}.`,
  );
}
