/** Reads ini files like Python's `configparser`, with which the published code reads its configs. */
import { badAnnotation } from "../formats/text-file.js";

/** The text of a key, and the line on which it starts. */
export interface IniEntry {
  value: string;
  line: number;
}

/** Keys in lower case. */
export type IniSection = Map<string, IniEntry>;

/** The section whose keys apply to every other section that does not set them. */
const defaults = "DEFAULT";

interface OpenEntry {
  lines: string[];
  line: number;
}

/**
 * The sections of an ini file: `[section]`, then `key = value` or `key: value`. Lines that start with `#` or `;` are
 * comments; nothing else is one, not even at a value's end. A line indented deeper than its key continues the value.
 * Sections and keys may not be repeated. Of `%`, only `%%` (a percent sign) is supported, not references to other keys.
 * @throws InputError `BAD_ANNOTATION` naming the line.
 */
export function parseIni(path: string, text: string): Map<string, IniSection> {
  const sections = new Map<string, Map<string, OpenEntry>>();
  let section: Map<string, OpenEntry> | undefined;
  let entry: OpenEntry | undefined;
  let indent = 0;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const place = `line ${index + 1}`;
    const line = raw.trim();
    if (line.startsWith("#") || line.startsWith(";")) continue;
    const depth = raw.length - raw.trimStart().length;
    if (line === "" || (entry !== undefined && depth > indent)) {
      entry?.lines.push(line);
      continue;
    }
    indent = depth;
    const header = /^\[(.+)\]/.exec(line)?.[1];
    if (header !== undefined) {
      section = openSection(sections, path, place, header);
      entry = undefined;
    } else {
      const { key, value } = splitLine(path, place, line, section !== undefined);
      if (section?.has(key))
        throw badAnnotation(path, `${place}: ${key} is set twice. Keep one of them.`);
      entry = { lines: [value], line: index + 1 };
      section?.set(key, entry);
    }
  }
  return closed(sections, path);
}

function openSection(
  sections: Map<string, Map<string, OpenEntry>>,
  path: string,
  place: string,
  name: string,
): Map<string, OpenEntry> {
  const known = sections.get(name);
  if (known !== undefined && name !== defaults) {
    throw badAnnotation(path, `${place}: there is a section [${name}] before. Join the two.`);
  }
  const section = known ?? new Map<string, OpenEntry>();
  sections.set(name, section);
  return section;
}

function splitLine(
  path: string,
  place: string,
  line: string,
  inSection: boolean,
): { key: string; value: string } {
  if (!inSection) {
    throw badAnnotation(
      path,
      `${place} comes before any section. A config starts with a line such as [data].`,
    );
  }
  const delimiter = line.search(/[=:]/);
  const key = line.slice(0, delimiter).trim().toLowerCase();
  if (delimiter < 0 || key === "") {
    throw badAnnotation(path, `${place} is neither "[section]" nor "key = value".`);
  }
  return { key, value: line.slice(delimiter + 1).trim() };
}

function closed(
  sections: Map<string, Map<string, OpenEntry>>,
  path: string,
): Map<string, IniSection> {
  const inherited = sections.get(defaults) ?? new Map<string, OpenEntry>();
  sections.delete(defaults);
  const result = new Map<string, IniSection>();
  for (const [name, own] of sections) {
    const section: IniSection = new Map();
    for (const [key, { lines, line }] of [...inherited, ...own]) {
      const value = withoutPercent(path, `line ${line}`, key, lines.join("\n").trimEnd());
      section.set(key, { value, line });
    }
    result.set(name, section);
  }
  return result;
}

/** Refuses `%(key)s`, for which Python would insert another key's value. */
function withoutPercent(path: string, place: string, key: string, value: string): string {
  return value.replace(/%(%?)/g, (_, second: string) => {
    if (second === "%") return "%";
    throw badAnnotation(
      path,
      `${place}: ${key} has a single %, which refers to another key in such files. Write the value in full, and %% for a percent sign.`,
    );
  });
}
