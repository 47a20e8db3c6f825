import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { labelNamesFromXml, labelTableXml, readLabelNames } from "../../lib/formats/label-names.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-names-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string): Promise<Map<number, string>> {
  const path = join(folder, "names");
  writeFileSync(path, text);
  return readLabelNames(path);
}

const expected = new Map([
  [1, "liver"],
  [3, "left kidney"],
]);

describe("readLabelNames", () => {
  it("reads ITK-SNAP label files", async () => {
    const text = `\ufeff################
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "liver"
    3     0  255    0     0.50  1  0    "left kidney"\r\n`;
    expect(await read(text)).toEqual(expected);
  });

  it("reads Slicer colour tables, with and without quotes, and leaves unnamed colours out", async () => {
    const text = `# Color table file
0 background 0 0 0 0
1 liver 221 130 101 255
2 (none) 0 0 0 255
3 "left kidney" 185 102 83 255`;
    expect(await read(text)).toEqual(expected);
    expect(await read(text.replaceAll('"', ""))).toEqual(expected);
  });

  it("reads JSON both ways round, bare or under labels", async () => {
    expect(await read('{"1": "liver", "3": "left kidney"}')).toEqual(expected);
    expect(await read('{"background": 0, "liver": 1, "left kidney": 3}')).toEqual(expected);
    expect(
      await read('{"channel_names": {"0": "CT"}, "labels": {"liver": 1, "left kidney": 3}}'),
    ).toEqual(expected);
  });

  it.each([
    ["", "names no label"],
    ["# nothing\n", "names no label"],
    ['{"background": 0}', "names no label"],
    ["1 liver 1 2 3 255\nliver", "line 2 is neither"],
    ["1 2 3 4 5", "line 1 is neither"],
    ['1 2 3 4 "liver"', "line 1 is neither"],
    ["1 a 0 0 0 0\n1 b 0 0 0 0", "line 2: label 1 is named twice"],
    ["-1 a 0 0 0 0", "line 1: a label is a whole number"],
    ["1.5 a 0 0 0 0", "line 1: a label is a whole number"],
    ['{"liver": 1.5}', "at liver: must be a name or one label number"],
    ['{"labels": {"tumor": [1, 2]}}', "at labels.tumor: must be a name or one label number"],
    ['{"liver": "spleen"}', 'at liver: "liver" is not a label number'],
    ['{"liver": -1}', "at liver: a label is a whole number"],
    ['{"liver": 1', "is not valid JSON"],
  ])("refuses %j", async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      code: "BAD_ANNOTATION",
      message: expect.stringContaining(message),
    });
  });
});

describe("label tables in NIfTI extensions", () => {
  it("reads what TotalSegmentator writes", () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?> <CaretExtension> <VolumeInformation Index="0"> <LabelTable>
      <Label Key="1" Red="0.1" Green="0.2" Blue="0.3" Alpha="1"><![CDATA[liver]]></Label>
      <Label Alpha="1" Key='3'>left &lt;kidney&gt;</Label>
      </LabelTable> </VolumeInformation> </CaretExtension>`;
    expect(labelNamesFromXml(xml)).toEqual(
      new Map([
        [1, "liver"],
        [3, "left <kidney>"],
      ]),
    );
  });

  it("leaves out what is broken and keeps the rest", () => {
    const xml =
      '<Label Key="0"><![CDATA[???]]></Label><Label Key="x">a</Label><Label Key="2"/><Label Key="99999999999">b</Label>' +
      '<Label Key="4"><b>c</b></Label><Label Key="5">d</Label><Label Key="5">e</Label><Label Key="6"><![CDATA[f';
    expect(labelNamesFromXml(xml)).toEqual(new Map([[5, "d"]]));
  });

  it("reads back every name it writes", () => {
    const name = fc
      .string({ unit: "binary", minLength: 1 })
      .map((text) => text.replace(/\p{Cc}|\p{Cs}|[\ufffe\uffff]/gu, "").trim())
      .filter((text) => text !== "");
    const names = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), name))
      .map((all) => new Map(all));
    const awkward = new Map([[7, ']]>&amp;<Label Key="8"><![CDATA[x]]></Label>]]']]);
    fc.assert(
      fc.property(names, (map) => {
        expect(labelNamesFromXml(labelTableXml(map))).toEqual(map);
      }),
      { examples: [[awkward]] },
    );
  });

  it("writes colours within range and no control characters", () => {
    const xml = labelTableXml(
      new Map(Array.from({ length: 200 }, (_, i) => [i + 1, `a\u0000\u001b${i}`])),
    );
    const colours = [...xml.matchAll(/(?:Red|Green|Blue)="([^"]+)"/g)].map(([, value]) =>
      Number(value),
    );
    expect(colours).toHaveLength(600);
    expect(colours.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(/[^\P{Cc}\n]/u.test(xml)).toBe(false);
  });

  it("takes time in proportion to the text, whatever is in it", () => {
    const started = performance.now();
    const label = '<Label Key="1">';
    for (const piece of [
      "<Label ",
      `${label}<![CDATA[`,
      label,
      "<",
      "]]>",
      `${label}<![CDATA[]]>`,
    ]) {
      labelNamesFromXml(piece.repeat(200_000));
      labelNamesFromXml(`${piece.repeat(200_000)}]]><b>`);
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
