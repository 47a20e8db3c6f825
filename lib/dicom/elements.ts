/** Values of a data set's elements. Text is trimmed as the standard allows it to be padded (PS3.5 6.2). */
import { type Keyword, tagOf } from "./dictionary.js";
import type { DicomAttributes, DicomElement } from "./source.js";

export function elementOf(data: DicomAttributes, keyword: Keyword): DicomElement | undefined {
  return data.get(tagOf(keyword));
}

/** Text of ASCII as it is stored, without padding at its ends: UIDs, codes, numbers. undefined if it is missing or empty. */
export function asciiOf(data: DicomAttributes, keyword: Keyword): string | undefined {
  const value = elementOf(data, keyword)?.value;
  if (!value) return undefined;
  const text = Buffer.from(value)
    .toString("latin1")
    .replace(/^ +|[ \0]+$/g, "");
  return text === "" ? undefined : text;
}

/** Values that a backslash separates; empty if the attribute is missing. */
export function codesOf(data: DicomAttributes, keyword: Keyword): string[] {
  return (
    asciiOf(data, keyword)
      ?.split("\\")
      .map((code) => code.trim()) ?? []
  );
}

/** Numbers of a DS or IS; a value that is not a number is NaN. Empty if the attribute is missing. */
export function decimalsOf(data: DicomAttributes, keyword: Keyword): number[] {
  return parseDecimals(asciiOf(data, keyword) ?? "");
}

/** Numbers that a backslash separates, as a DS or IS stores them. */
export function parseDecimals(text: string): number[] {
  if (text === "") return [];
  return text
    .split("\\")
    .map((each) => each.trim())
    .map((each) =>
      /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(each) ? Number(each) : Number.NaN,
    );
}

/** The first number of a DS or IS. */
export function decimalOf(data: DicomAttributes, keyword: Keyword): number | undefined {
  return decimalsOf(data, keyword)[0];
}

/** A whole number that is stored as text (IS) or in binary (US, UL, SS, SL). */
export function integerOf(
  data: DicomAttributes,
  keyword: Keyword,
  signed = false,
): number | undefined {
  const element = elementOf(data, keyword);
  if (!element?.value || element.value.length === 0) return undefined;
  const { vr, value } = element;
  if (vr === "IS" || vr === "DS") return decimalOf(data, keyword);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const asSigned = vr === "SS" || vr === "SL" || signed;
  if (vr === "UL" || vr === "SL") {
    if (value.length < 4) return undefined;
    return asSigned ? view.getInt32(0, true) : view.getUint32(0, true);
  }
  if (value.length < 2) return undefined;
  return asSigned ? view.getInt16(0, true) : view.getUint16(0, true);
}

/** The items of a sequence; empty if the attribute is missing. */
export function itemsOf(data: DicomAttributes, keyword: Keyword): readonly DicomAttributes[] {
  return elementOf(data, keyword)?.items ?? [];
}

/** Encodings by SpecificCharacterSet's defined terms (PS3.3 C.12.1.1.2), as TextDecoder names them. */
const encodings: Readonly<Record<string, string>> = {
  "ISO_IR 100": "latin1",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "iso-8859-9",
  "ISO_IR 203": "iso-8859-15",
  "ISO_IR 166": "windows-874",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
  "ISO 2022 IR 87": "iso-2022-jp",
  "ISO 2022 IR 13": "shift_jis",
  "ISO 2022 IR 149": "euc-kr",
  "ISO 2022 IR 58": "gb18030",
};

/**
 * Text in the data set's own character set, without padding.
 * @param charset SpecificCharacterSet's value of the outermost data set, for items that have none.
 */
export function textOf(
  data: DicomAttributes,
  keyword: Keyword,
  charset: readonly string[] = [],
): string | undefined {
  const value = elementOf(data, keyword)?.value;
  if (!value) return undefined;
  const own = codesOf(data, "SpecificCharacterSet");
  const terms = own.length > 0 ? own : charset;
  // With code extensions the second term is what the first, ASCII, is left for.
  const term = terms.findLast((each) => each !== "") ?? "";
  const text = new TextDecoder(
    encodings[term] ?? encodings[term.replace("ISO 2022 IR", "ISO_IR")] ?? "latin1",
  )
    .decode(value)
    .replace(/^ +|[ \0]+$/g, "");
  return text === "" ? undefined : text;
}
