/** Changed bytes of real files: parsing ends with a data set or an error of its own, and soon. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../lib/base/errors.js";
import { parseDataSet, readDataSet } from "../../lib/dicom/data-set.js";
import { memorySource } from "../../lib/dicom/files/file-ref.js";
import { checkCodeStream } from "../../lib/dicom/pixels/code-streams.js";
import { BadPixels } from "../../lib/dicom/pixels/frame-places.js";
import { fileFacts } from "../../lib/dicom/series/image.js";
import { conformance } from "../support/data.js";
import { openFile } from "../support/dicom-files.js";

const files = new Map(
  [
    "syntax/explicit/04.dcm",
    "syntax/implicit/04.dcm",
    "syntax/big-endian/04.dcm",
    "syntax/deflated/04.dcm",
    "syntax/fragments/04.dcm",
    "files/private/04.dcm",
    "multiframe/enhanced-rle.dcm",
  ].map((path) => [path, readFileSync(conformance(`dicom/${path}`))] as const),
);

const bytesOf = (path: string) => files.get(path) as Buffer;

/** Most of what a parser looks at is at the start. */
const place = fc.oneof(fc.nat(2000), fc.nat(200_000));
const change = fc.record({
  at: place,
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 0xff, 0x7f)),
  run: fc.integer({ min: 1, max: 4 }),
});
const changes = fc.array(change, { minLength: 1, maxLength: 6 });

function mutated(
  bytes: Uint8Array,
  list: { at: number; value: number; run: number }[],
  cut: number,
) {
  const copy = Buffer.from(bytes.subarray(0, Math.max(1, Math.floor(cut * bytes.length))));
  for (const { at, value, run } of list) {
    const start = at % copy.length;
    copy.fill(value, start, Math.min(copy.length, start + run));
  }
  return copy;
}

const input = fc.record({
  file: fc.constantFrom(...files.keys()),
  list: changes,
  cut: fc.oneof(
    { weight: 3, arbitrary: fc.constant(1) },
    fc.double({ min: 0.01, max: 1, noNaN: true }),
  ),
});

describe("changed files", () => {
  it("are data sets or refused", () => {
    const check = fc.property(input, ({ file, list, cut }) => {
      try {
        readDataSet(mutated(bytesOf(file), list, cut), { name: "a.dcm", maxBytes: 1 << 24 });
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).toMatch(/^a\.dcm: /);
      }
    });
    fc.assert(check, { numRuns: 1500, seed: 16 });
  });

  it("have facts, or a fault in place of their pixels", () => {
    const ref = { name: "a.dcm", path: "a.dcm" };
    const check = fc.property(input, ({ file, list, cut }) => {
      const changed = mutated(bytesOf(file), list, cut);
      let parsed: ReturnType<typeof parseDataSet>;
      try {
        parsed = parseDataSet(changed, { maxBytes: 1 << 24 });
      } catch {
        return;
      }
      const facts = fileFacts(ref, parsed, memorySource(parsed.bytes));
      if (facts.kind !== "image" || facts.image.fault !== undefined) return;
      for (const { places } of facts.image.frames) {
        for (let i = 0; i < places.length; i += 2) {
          expect((places[i] as number) + (places[i + 1] as number)).toBeLessThanOrEqual(
            parsed.bytes.length,
          );
        }
      }
    });
    fc.assert(check, { numRuns: 1500, seed: 16 });
  });
});

it("changed code streams are held against their header without a crash", () => {
  const streams = new Map(
    ["jpegls", "jpeg2000", "htj2k"].map((source) => [
      source,
      Buffer.concat(openFile(`syntax/${source}/04.dcm`).pixels as Buffer[]),
    ]),
  );
  const size = { rows: 84, columns: 96 };
  for (const [source, stream] of streams) checkCodeStream(source === "jpegls", stream, size);
  const check = fc.property(
    fc.constantFrom(...streams.keys()),
    changes,
    fc.double({ min: 0, max: 1, noNaN: true }),
    (source, list, cut) => {
      try {
        checkCodeStream(
          source === "jpegls",
          mutated(streams.get(source) as Buffer, list, cut),
          size,
        );
      } catch (error) {
        expect(error).toBeInstanceOf(BadPixels);
      }
    },
  );
  fc.assert(check, { numRuns: 3000, seed: 16 });
});
