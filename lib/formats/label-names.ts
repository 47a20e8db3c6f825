/**
 * Names of the labels of a label map, from the files that segmentation tools write. Label 0, the background, is left
 * out. Names need not be unique: color tables repeat names for unused labels.
 */
import { z } from "zod";
import { aPath, checkArguments } from "../base/arguments.js";
import { badAnnotation, parseJson, readAnnotationText, validate } from "./text-file.js";

/** Slicer's name for a color without a name. */
const unnamed = "(none)";
const maxLabel = 2 ** 31 - 1;

/** @internal Schema of names by label as an argument. */
export const labelNames = z.map(
  z.int("is not a label, a whole number"),
  z.string("is not a name, text"),
  'must be a Map of names by label, such as new Map([[1, "liver"]])',
);

/**
 * Reads label names from any of: an ITK-SNAP label file (`IDX R G B A VIS MSH "NAME"`), a Slicer or FreeSurfer color
 * table (`index name R G B A`), JSON as `{"1": "liver"}` or `{"liver": 1}`, bare or under `labels` as in nnU-Net's
 * dataset.json.
 */
export async function readLabelNames(path: string): Promise<Map<number, string>> {
  checkArguments("readLabelNames", { path: [path, aPath] });
  const text = await readAnnotationText(path);
  const names = text.trimStart().startsWith("{") ? fromJson(path, text) : fromTable(path, text);
  names.delete(0);
  if (names.size === 0) {
    throw badAnnotation(
      path,
      'names no label. Give an ITK-SNAP label file, a Slicer colour table or JSON such as {"liver": 1}.',
    );
  }
  return names;
}

function add(
  names: Map<number, string>,
  path: string,
  place: string,
  label: number,
  name: string,
): void {
  if (!Number.isInteger(label) || label < 0 || label > maxLabel) {
    throw badAnnotation(
      path,
      `${place}: a label is a whole number from 0 to ${maxLabel}, not ${label}.`,
    );
  }
  if (names.has(label))
    throw badAnnotation(path, `${place}: label ${label} is named twice. Keep one of them.`);
  const trimmed = name.trim();
  if (trimmed !== "" && trimmed !== unnamed) names.set(label, trimmed);
}

function fromTable(path: string, text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const place = `line ${index + 1}`;
    const entry = itkSnapLine(line) ?? colorTableLine(line);
    if (entry === undefined) {
      throw badAnnotation(
        path,
        `${place} is neither ITK-SNAP's \`IDX R G B A VIS MSH "NAME"\` nor Slicer's \`index name R G B A\`.`,
      );
    }
    add(names, path, place, entry.label, entry.name);
  }
  return names;
}

interface Entry {
  label: number;
  name: string;
}

const areNumbers = (words: string[]) => words.every((word) => /^-?[\d.]+$/.test(word));

function itkSnapLine(line: string): Entry | undefined {
  const open = line.indexOf('"');
  const close = line.length - 1;
  if (open < 0 || close === open || line[close] !== '"') return undefined;
  const words = line.slice(0, open).trim().split(/\s+/);
  if (words.length !== 7 || !areNumbers(words)) return undefined;
  return { label: Number(words[0]), name: line.slice(open + 1, close) };
}

function colorTableLine(line: string): Entry | undefined {
  const words = line.split(/\s+/);
  const name = words.slice(1, -4).join(" ");
  if (name === "" || !areNumbers([words[0] ?? "", ...words.slice(-4)])) return undefined;
  return { label: Number(words[0]), name: name.replace(/^"(.*)"$/, "$1") };
}

const oneLabel = "one label number (regions of several labels have no template of their own)";
const entryValue = z.union([z.string(), z.int()], `must be a name or ${oneLabel}`);
const byAnyKey = z.looseObject({}, "must be an object");

function fromJson(path: string, text: string): Map<number, string> {
  const file = validate(path, byAnyKey, parseJson(path, text));
  const isDataset = typeof file.labels === "object";
  const at = isDataset ? ["labels"] : [];
  const names = new Map<number, string>();
  for (const [key, raw] of Object.entries(
    isDataset ? validate(path, byAnyKey, file.labels, at) : file,
  )) {
    const value = validate(path, entryValue, raw, [...at, key]);
    const [label, name] = typeof value === "number" ? [value, key] : [Number(key), value];
    const place = `at ${[...at, key].join(".")}`;
    if (typeof value === "string" && !/^\d+$/.test(key)) {
      throw badAnnotation(
        path,
        `${place}: "${key}" is not a label number, and "${value}" is not one either.`,
      );
    }
    add(names, path, place, label, name);
  }
  return names;
}

/**
 * Names from the label table that TotalSegmentator and Connectome Workbench put into a NIfTI extension:
 * `<LabelTable><Label Key="1" …><![CDATA[liver]]></Label>…`. Entries that are not well-formed are skipped: names are a
 * convenience, and a volume with a broken extension is still usable.
 *
 * Scans for this one element instead of parsing XML: the text comes from untrusted files, and without custom entities,
 * doctypes and nesting there is nothing to expand or recurse into. One pass over the text.
 */
export function labelNamesFromXml(xml: string): Map<number, string> {
  checkArguments("labelNamesFromXml", { xml: [xml, z.string()] });
  const names = new Map<number, string>();
  const opening = /<Label\s/g;
  while (opening.exec(xml) !== null) {
    const tagEnd = xml.indexOf(">", opening.lastIndex);
    if (tagEnd < 0) break;
    const attributes = xml.slice(opening.lastIndex, tagEnd);
    const key = /(?:^|\s)Key\s*=\s*["'](\d{1,10})["']/.exec(attributes)?.[1];
    const content = attributes.endsWith("/")
      ? { end: tagEnd }
      : textUntil(xml, tagEnd + 1, "</Label");
    opening.lastIndex = content.end;
    const name = content.text?.trim() ?? "";
    const label = Number(key ?? 0);
    if (label > 0 && label <= maxLabel && name !== "" && !names.has(label)) names.set(label, name);
  }
  return names;
}

/**
 * Character data from `start` to the closing tag, with CDATA sections and the five entities resolved; no text if another
 * element comes first. The scan continues at `end`, so that each character is read once.
 */
function textUntil(xml: string, start: number, closing: string): { text?: string; end: number } {
  const cdata = "<![CDATA[";
  let text = "";
  for (let at = start; ; ) {
    const markup = xml.indexOf("<", at);
    if (markup < 0) return { end: xml.length };
    text += resolveEntities(xml.slice(at, markup));
    if (xml.startsWith(closing, markup)) return { text, end: markup + closing.length };
    if (!xml.startsWith(cdata, markup)) return { end: markup };
    const end = xml.indexOf("]]>", markup + cdata.length);
    if (end < 0) return { end: xml.length };
    text += xml.slice(markup + cdata.length, end);
    at = end + 3;
  }
}

const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function resolveEntities(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => entities[name] ?? "");
}

/** The label table of {@link labelNamesFromXml} for a NIfTI extension of code 0, in the order of the labels. */
export function labelTableXml(names: ReadonlyMap<number, string>): string {
  checkArguments("labelTableXml", { names: [names, labelNames] });
  const labels = [...names]
    .sort(([a], [b]) => a - b)
    .map(
      ([label, name]) =>
        `<Label Key="${label}" ${colorAttributes(label)}><![CDATA[${escapeCdata(name)}]]></Label>`,
    );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<CaretExtension>",
    '<VolumeInformation Index="0">',
    "<LabelTable>",
    ...labels,
    "</LabelTable>",
    "<VolumeType><![CDATA[Label]]></VolumeType>",
    "</VolumeInformation>",
    "</CaretExtension>",
  ].join("\n");
}

/** Escapes text for a CDATA section, which "]]>" would end; XML 1.0 does not allow control characters at all. */
function escapeCdata(name: string): string {
  return name
    .replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, "\ufffd")
    .replaceAll("]]>", "]]]]><![CDATA[>");
}

/**
 * Red, green and blue of a label, in [0, 1]: saturated colors with hues a golden angle apart, so that neighboring labels
 * differ, however many there are.
 */
export function labelColor(label: number): [number, number, number] {
  const channel = (offset: number) => {
    const position = (offset + (label * 137.50776405) / 30) % 12;
    return 0.5 - 0.45 * Math.max(-1, Math.min(position - 3, 9 - position, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

function colorAttributes(label: number): string {
  const [red, green, blue] = labelColor(label).map((channel) => channel.toFixed(3));
  return `Red="${red}" Green="${green}" Blue="${blue}" Alpha="1"`;
}
