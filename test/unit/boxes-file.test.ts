import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  boxesFile,
  describeBoxes,
  type OrganBoxes,
  readBoxesFile,
} from "../../lib/formats/boxes.js";
import { boundsOf, physicalBox, type Triple, unionBox } from "../../lib/geometry/box.js";

let path: string;
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), "medlsam-boxes-")), boxesFile);
});
afterAll(() => rmSync(join(path, ".."), { recursive: true }));

const scan = {
  path: "scan.nii.gz",
  shape: [50, 60, 70] as Triple,
  affine: [-2, 0, 0, 100, 0, -2, 0, 50, 0, 0, 3, -10, 0, 0, 0, 1],
};

function read(content: unknown) {
  writeFileSync(path, JSON.stringify(content));
  return readBoxesFile(path);
}

// What a key of this name would change is never read.
const name = fc.string().filter((each) => each !== "__proto__");
const coordinate = fc.integer({ min: -5, max: 80 });
const triple = fc.tuple(coordinate, coordinate, coordinate) as fc.Arbitrary<Triple>;
const box = fc.array(triple, { minLength: 2, maxLength: 2 }).map(boundsOf<Triple>);
const organ: fc.Arbitrary<OrganBoxes> = fc.record(
  {
    label: fc.integer({ min: 1, max: 65535 }),
    present: fc.boolean(),
    box,
    parts: fc.array(box, { minLength: 1, maxLength: 3 }),
    points: fc.array(fc.record({ voxel: triple, foreground: fc.boolean() }), { minLength: 1 }),
  },
  { requiredKeys: [] },
);

describe("boxes.json", () => {
  it("is read as it was written, whatever prompted the organs", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, organ), async (organs) => {
        const { shape, organs: found } = await read(describeBoxes(organs, scan));
        expect(shape).toEqual(scan.shape);
        expect(Object.keys(found).sort()).toEqual(Object.keys(organs).sort());
        for (const [name, each] of Object.entries(organs)) {
          const boxes = each.parts ?? (each.box ? [each.box] : []);
          const whole = boxes.length > 0 ? unionBox(boxes) : undefined;
          const prompted = boxes.length > 0 || each.points !== undefined;
          expect(found[name]).toEqual({
            ...(each.label !== undefined && { label: each.label }),
            present: each.present !== false && prompted,
            ...(whole && {
              box: whole,
              parts: boxes,
              physicalBox: physicalBox(whole, scan.affine),
            }),
            ...(each.points && { points: each.points }),
          });
        }
      }),
    );
  });

  const file = (liver: object) => ({ version: 1, shape: [5, 6, 7], organs: { liver } });
  const upsideDown = { min: [2, 0, 0], max: [1, 5, 5] };
  it.each([
    ["no object", [], /is not what `medlsam localize`/],
    ["another version", { ...file({}), version: 2 }, /version must be 1/],
    ["a flat shape", { ...file({}), shape: [5, 6] }, /shape is three numbers/],
    ["an organ with nothing", file({ label: 1 }), /at organs\.liver: the organ has no box/],
    ["a label of 0", file({ label: 0, present: false }), /liver\.label: label must be .* 65535/],
    ["a verdict in words", file({ present: "no" }), /present must be true or false/],
    ["a part upside down", file({ parts: [upsideDown] }), /liver\.parts\[0\]: .* upside down/],
    ["half a voxel", file({ box: { min: [0.5, 0, 0], max: [1, 1, 1] } }), /whole number of voxels/],
  ])("with %s is refused", async (_, content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      code: "BAD_ANNOTATION",
      message: expect.stringMatching(message),
    });
  });
});
