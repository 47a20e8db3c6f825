/** Segmentations and structure sets of other writers, and files that are none. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAnnotation } from "../../lib/dicom/annotations/parse.js";
import type { Attributes, Encoding } from "../../lib/dicom/write/encode.js";
import { decimalString } from "../../lib/dicom/write/encode.js";
import { part10File } from "../../lib/dicom/write/part10.js";
import { textEncoding } from "../../lib/dicom/write/text-encoding.js";
import { annotationLabels } from "../../lib/dicom-masks/read-labels.js";
import { Volume } from "../../lib/index.js";
import { conformance } from "../support/data.js";
import { readMasks, seriesPath } from "../support/dicom-series.js";

const reference = (name: string) => conformance(`dicom/reference/${name}.dcm`);

async function scan() {
  const volume = await Volume.read(conformance("dicom/masks/base/liver.nii.gz"));
  const { shape, affine, spacing } = volume;
  volume.close();
  return { shape, affine, spacing };
}

describe.each(["seg-binary", "rtstruct-keyhole"])("%s of another writer", (name) => {
  const annotation = parseAnnotation(readFileSync(reference(name)), name);

  it.each(["the series", "a volume's geometry alone"])("is read onto %s", async (onto) => {
    const masks = await readMasks("base");
    const series = await Volume.read(seriesPath("syntax/explicit"));
    const { source } = onto === "the series" ? series : { source: undefined };
    for (const [index, organ] of annotation.organs.entries()) {
      const mask = masks.get(organ.name) as Uint8Array;
      const of = { ...(await scan()), source };
      const labels = await annotationLabels(name, annotation, "scan", of, { only: index });
      const values = await labels.values();
      expect([organ.name, values.filter((value, i) => value !== mask[i]).length]).toEqual([
        organ.name,
        0,
      ]);
      labels.close();
    }
  });

  it("is one label map, in which the smaller organ lies upon the larger one", async () => {
    const labels = await annotationLabels(name, annotation, "scan", await scan(), {});
    const masks = await readMasks("base");
    const sizes = new Map(
      [...masks].map(([organ, mask]) => [organ, mask.filter((inside) => inside === 1).length]),
    );
    const largestFirst = [...annotation.organs].sort(
      (one, other) => (sizes.get(other.name) as number) - (sizes.get(one.name) as number),
    );
    const expected = new Uint8Array(12 * 84 * 96);
    for (const organ of largestFirst) {
      const label = annotation.organs.indexOf(organ) + 1;
      const mask = masks.get(organ.name) as Uint8Array;
      for (const [voxel, inside] of mask.entries()) if (inside === 1) expected[voxel] = label;
    }
    const values = await labels.values();
    expect(values.filter((value, voxel) => value !== expected[voxel]).length).toBe(0);
    labels.close();
  });
});

const encoding: Encoding = { implicit: false, text: textEncoding(new Map()) };

function file(dataSet: Attributes, pixels?: Uint8Array, bits = 1): Uint8Array {
  return Buffer.concat(
    part10File(
      { SOPInstanceUID: "1.2.3", ...dataSet },
      encoding,
      pixels && { bits, bytes: pixels },
    ),
  );
}

const seg: Attributes = {
  SOPClassUID: "1.2.840.10008.5.1.4.1.1.66.4",
  SegmentationType: "BINARY",
  ...{ Rows: 4, Columns: 4, BitsAllocated: 1, NumberOfFrames: 1 },
  SegmentSequence: [{ SegmentNumber: 1, SegmentLabel: "liver" }],
  PerFrameFunctionalGroupsSequence: [
    { SegmentIdentificationSequence: [{ ReferencedSegmentNumber: 1 }] },
  ],
};
const bytes = new Uint8Array(2);

describe("what cannot be used is refused", () => {
  const cases: [string, () => Uint8Array, RegExp][] = [
    ["no DICOM", () => Buffer.from("not at all"), /BAD_VOLUME/],
    [
      "a CT image",
      () => file({ SOPClassUID: "1.2.840.10008.5.1.4.1.1.2" }),
      /neither a segmentation/,
    ],
    [
      "a fractional segmentation",
      () => file({ ...seg, SegmentationType: "FRACTIONAL" }, bytes),
      /FRACTIONAL/,
    ],
    ["no pixels", () => file(seg), /pixels are coded|no pixels/],
    ["too few pixels", () => file({ ...seg, Rows: 40 }, bytes), /2 bytes, and its frames need 20/],
    [
      "frames that are not described",
      () => file({ ...seg, NumberOfFrames: 3 }, bytes),
      /number of frames/,
    ],
    ["no rows", () => file({ ...seg, Rows: 0 }, bytes), /0 × 4 pixels/],
    ["16 bits for two organs", () => file({ ...seg, BitsAllocated: 16 }, bytes), /of 16 bits/],
    [
      "a structure set of nothing",
      () => file({ SOPClassUID: "1.2.840.10008.5.1.4.1.1.481.3" }),
      /no region of interest/,
    ],
  ];
  it.each(cases)("%s", (_, make, message) => {
    let error: unknown;
    try {
      parseAnnotation(make(), "x.dcm");
    } catch (thrown) {
      error = thrown;
    }
    const { code, message: text } = error as { code: string; message: string };
    expect(`${code} ${text}`).toMatch(message);
    expect(text).toMatch(/^x\.dcm/);
  });

  it("a segmentation or structure set of another scan", async () => {
    const other = await scan();
    const moved = {
      ...other,
      affine: other.affine.map((value, i) => (i === 11 ? value + 500 : value)),
    };
    const turned = { ...other, affine: other.affine.map((value, i) => (i === 0 ? -value : value)) };
    const small = { ...other, shape: [12, 84, 95] as [number, number, number] };
    for (const [name, of] of [
      ["seg-binary", moved],
      ["seg-binary", turned],
      ["seg-binary", small],
      ["rtstruct-keyhole", moved],
    ] as const) {
      const annotation = parseAnnotation(readFileSync(reference(name)), name);
      await expect(annotationLabels(name, annotation, "the scan", of, {})).rejects.toThrow(name);
    }
  });
});

it("organs of one name are told apart, and those without one have their number", () => {
  const annotation = parseAnnotation(
    file(
      {
        ...seg,
        SegmentSequence: [
          { SegmentNumber: 1, SegmentLabel: "liver" },
          { SegmentNumber: 2, SegmentLabel: "liver" },
          { SegmentNumber: 3 },
        ],
      },
      bytes,
    ),
    "x",
  );
  expect(annotation.organs.map(({ name }) => name)).toEqual(["liver", "liver 2", "segment 3"]);
});

it("decimal strings have 16 bytes at most", () => {
  for (const value of [0, -0, 1 / 3, -1 / 3, -123456789.12345, 1e300 / 3, 5]) {
    const text = decimalString(value);
    expect(text.length).toBeLessThanOrEqual(16);
    expect(Math.abs(Number(text) - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value));
  }
  expect(decimalString(2.255859375)).toBe("2.255859375");
});

it.each(["seg-binary", "seg-labelmap", "rtstruct-keyhole"])(
  "%s with changed bytes is read or refused, and nothing else",
  (name) => {
    const whole = readFileSync(reference(name));
    // Mulberry32: the same changes each time.
    let state = 7;
    const random = (below: number) => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
    const outcomes = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(whole);
      for (let i = 0; i < 1 + random(4); i++) bytes[132 + random(6000)] = random(256);
      try {
        parseAnnotation(round % 5 === 0 ? bytes.subarray(0, random(bytes.length)) : bytes, name);
        outcomes.add("read");
      } catch (error) {
        outcomes.add((error as { code?: string }).code ?? String(error));
      }
    }
    expect(
      [...outcomes].filter((each) => !["read", "BAD_VOLUME", "BAD_ANNOTATION"].includes(each)),
    ).toEqual([]);
  },
);
