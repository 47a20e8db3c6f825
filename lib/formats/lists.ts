/** Lists of paths: text files of one path a line, relative ones from the current folder. */
import { badAnnotation, readAnnotationText } from "./text-file.js";

/** Whether a path names a list rather than what stands in it. */
export function isPathList(path: string): boolean {
  return /\.txt$/i.test(path);
}

/**
 * The paths in a list, in its order. Empty lines and those that begin with `#` are passed over.
 * @throws InputError `FILE_NOT_FOUND` or `READ_FAILED`; `BAD_ANNOTATION` for a list without a path.
 */
export async function readPathList(path: string): Promise<string[]> {
  const lines = (await readAnnotationText(path)).split(/\r\n|\n|\r/).map((line) => line.trim());
  const paths = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (paths.length > 0) return paths;
  throw badAnnotation(path, "the list is empty. Write one path a line.");
}
