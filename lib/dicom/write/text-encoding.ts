/** The character set of what is written: that of the source, whose values are copied as the bytes they are. */
import { codesOf } from "../elements.js";
import type { DicomAttributes, DicomElement } from "../source.js";

export interface TextEncoding {
  /** SpecificCharacterSet of the data set; undefined for ASCII. */
  charset: DicomElement | string | undefined;
  encode(text: string): Buffer;
}

/**
 * How text of this package's own is written into a data set with values of another. ASCII is a part of UTF-8, so where the
 * source is ASCII names may be of any script. In UTF-8 and Latin-1 they are written as such; in other sets, and where Latin-1
 * lacks a character, that character becomes "?": the source's bytes could not stay otherwise.
 */
export function textEncoding(source: DicomAttributes): TextEncoding {
  const terms = codesOf(source, "SpecificCharacterSet").filter((term) => term !== "");
  const charset = source.get("00080005");
  if (terms.length === 0 || terms.join() === "ISO_IR 6") return unicode("ISO_IR 192");
  if (terms.join() === "ISO_IR 192") return unicode(charset);
  const greatest = terms.join() === "ISO_IR 100" ? 0xff : 0x7f;
  return {
    charset,
    encode: (text) =>
      Buffer.from(
        text.replace(/./gsu, (character) =>
          (character.codePointAt(0) as number) > greatest ? "?" : character,
        ),
        "latin1",
      ),
  };
}

function unicode(charset: TextEncoding["charset"]): TextEncoding {
  return { charset, encode: (text) => Buffer.from(text, "utf8") };
}
