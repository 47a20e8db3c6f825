/** Data sets of DICOM files in every encoding, and how damaged ones are refused. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { looksLikeDicom, readDataSet } from "../../lib/dicom/data-set.js";
import { tagOf } from "../../lib/dicom/dictionary.js";
import {
  asciiOf,
  codesOf,
  decimalsOf,
  integerOf,
  itemsOf,
  textOf,
} from "../../lib/dicom/elements.js";
import { conformance } from "../support/data.js";

const bytesOf = (path: string) => readFileSync(conformance(`dicom/${path}`));

describe("readDataSet", () => {
  const syntaxes = {
    explicit: "1.2.840.10008.1.2.1",
    implicit: "1.2.840.10008.1.2",
    "big-endian": "1.2.840.10008.1.2.2",
    deflated: "1.2.840.10008.1.2.1.99",
  };
  for (const [folder, uid] of Object.entries(syntaxes)) {
    it(`reads ${folder} files`, () => {
      const { transferSyntaxUid, attributes, pixelData } = readDataSet(
        bytesOf(`syntax/${folder}/04.dcm`),
      );
      expect(transferSyntaxUid).toBe(uid);
      expect(integerOf(attributes, "Rows")).toBe(84);
      expect(integerOf(attributes, "Columns")).toBe(96);
      expect(decimalsOf(attributes, "ImagePositionPatient")).toEqual([
        -86.625, 18.90390625, 769.21,
      ]);
      expect(textOf(attributes, "SeriesDescription")).toBe("STD BRAIN");
      expect(codesOf(attributes, "ImageType").length).toBeGreaterThan(2);
      expect(pixelData?.length).toBe(84 * 96 * 2);
    });
  }

  it("reads files without preamble, and passes other files over", () => {
    for (const folder of ["no-preamble", "no-preamble-explicit"]) {
      const bytes = bytesOf(`files/${folder}/IM004`);
      expect(looksLikeDicom(bytes)).toBe(true);
      expect(asciiOf(readDataSet(bytes).attributes, "Modality")).toBe("CT");
    }
    expect(looksLikeDicom(bytesOf("codes.json"))).toBe(false);
    expect(looksLikeDicom(bytesOf("itk/raw.mha"))).toBe(false);
  });

  it("gives sequences as items, and none of an item's elements as the image's", () => {
    const { attributes } = readDataSet(bytesOf("multiframe/enhanced.dcm"));
    expect(itemsOf(attributes, "PerFrameFunctionalGroupsSequence")).toHaveLength(12);
    const icon = readDataSet(bytesOf("files/private/04.dcm"));
    expect(integerOf(icon.attributes, "Rows")).toBe(84);
    expect(icon.pixelData?.length).toBe(84 * 96 * 2);
  });

  it("refuses files that are cut, wherever", () => {
    const whole = bytesOf("syntax/explicit/04.dcm");
    const { pixelData } = readDataSet(whole);
    const header = pixelData?.offset ?? 0;
    // Between two elements a shorter data set is one, too, but without its pixels.
    const pieces = Array.from({ length: header - 140 }, (_, i) => whole.subarray(0, 140 + i));
    const accepted = pieces.filter((piece) => {
      try {
        return readDataSet(piece).pixelData === undefined;
      } catch (error) {
        expect((error as Error).message).toMatch(/ends early|damaged/);
        return false;
      }
    });
    expect(accepted.length).toBeLessThan(60);
    expect(() => readDataSet(whole.subarray(0, 200), { name: "04.dcm" })).toThrow(/^04\.dcm: /);
    expect(() => readDataSet(whole.subarray(0, header + 100))).toThrow("ends early");
    expect(() => readDataSet(bytesOf("files/truncated-header/04.dcm"))).toThrow("ends early");
  });

  it("refuses 20,000 nested sequences and endless inflation", () => {
    const whole = bytesOf("syntax/explicit/04.dcm");
    const start = whole.subarray(0, readDataSet(whole).pixelData?.offset ?? 0).subarray(0, -12);
    const open = Buffer.from("10004001535100 00ffffffff feff00e0ffffffff".replace(/ /g, ""), "hex");
    const nested = Buffer.concat([start, ...Array<Buffer>(20_000).fill(open)]);
    expect(() => readDataSet(nested)).toThrow("damaged");
    const deflated = bytesOf("syntax/deflated/04.dcm");
    expect(() => readDataSet(deflated, { maxBytes: 5000 })).toThrow("damaged");
  });

  it("decodes text in the data set's character set", () => {
    const description = tagOf("SeriesDescription");
    const text = (charset: string, value: Uint8Array) =>
      textOf(
        new Map([
          ["00080005", { vr: "CS", value: Buffer.from(charset) }],
          [description, { vr: "LO", value }],
        ]),
        "SeriesDescription",
      );
    expect(text("ISO_IR 100", Buffer.from("Sch\xe4del ", "latin1"))).toBe("Schädel");
    expect(text("ISO_IR 192", Buffer.from("頭部 "))).toBe("頭部");
    expect(text("ISO 2022 IR 144", Buffer.from([0xb3, 0xde]))).toBe("Го");
  });
});
