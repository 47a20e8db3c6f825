import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError } from "../../lib/base/errors.js";
import { readExtremePoints } from "../../lib/localization/extreme-points.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-points-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: unknown, name = "points.json"): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const six = [
  [1, 20, 30],
  [9, 21, 31],
  [5, 10, 32],
  [4, 29, 33],
  [3, 15, 25],
  [2, 16, 41.5],
];
const sixFlipped = six.map(([x = 0, y = 0, z = 0]) => [-x, -y, z]);

const fiducials = (name: string | undefined, points = six, more = {}) => ({
  type: "Fiducial",
  name,
  coordinateSystem: "LPS",
  coordinateUnits: "mm",
  controlPoints: points.map((position) => ({ label: "", position, positionStatus: "defined" })),
  ...more,
});

async function refusal(content: unknown, name?: string): Promise<string> {
  const path = file(content, name);
  const error = await readExtremePoints(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  const { code, message } = error as InputError;
  expect(code).toBe("BAD_ANNOTATION");
  expect(message.startsWith(`${path}: `)).toBe(true);
  return message;
}

describe("3D Slicer markups", () => {
  it("reads one organ per Fiducial list and leaves other markups alone", async () => {
    const roi = { type: "ROI", center: [0, 0, 0], size: [1, 1, 1], controlPoints: [] };
    const path = file({ markups: [fiducials("liver"), roi, fiducials(" spleen ")] });
    expect(await readExtremePoints(path)).toEqual([
      { name: "liver", parts: [six] },
      { name: "spleen", parts: [six] },
    ]);
  });

  it("turns RAS into LPS and takes LPS, mm and defined as given where they are left out", async () => {
    const bare = {
      type: "Fiducial",
      name: "b",
      controlPoints: six.map((position) => ({ position })),
    };
    const path = file({ markups: [fiducials("a", six, { coordinateSystem: "RAS" }), bare] });
    expect((await readExtremePoints(path)).map(({ parts }) => parts)).toEqual([
      [sixFlipped],
      [six],
    ]);
  });

  it("accepts millimetres as a coded term", async () => {
    const path = file({
      markups: [fiducials("a", six, { coordinateUnits: ["mm", "UCUM", "millimeter"] })],
    });
    expect(await readExtremePoints(path)).toHaveLength(1);
  });

  it("takes the file's name for the only list without one, as Slicer does", async () => {
    const path = file({ markups: [fiducials(undefined)] }, "left kidney.mrk.json");
    expect((await readExtremePoints(path))[0]?.name).toBe("left kidney");
    expect(await refusal({ markups: [fiducials("a"), fiducials(undefined)] })).toContain(
      "markups[1] is a Fiducial list without a name",
    );
  });

  it("names the place of what is wrong", async () => {
    const undefinedPoint = fiducials("a");
    undefinedPoint.controlPoints[2] = { label: "", position: [], positionStatus: "undefined" };
    expect(await refusal({ markups: [undefinedPoint] })).toContain(
      "at markups[0].controlPoints[2].positionStatus: this point has no defined position",
    );
    expect(await refusal({ markups: [fiducials("a"), fiducials("b", six.slice(1))] })).toContain(
      "at markups[1].controlPoints: 5 points where six",
    );
    expect(await refusal({ markups: [fiducials("a", six, { coordinateUnits: "um" })] })).toContain(
      'at markups[0].coordinateUnits: coordinateUnits must be "mm"',
    );
    expect(
      await refusal({ markups: [fiducials("a", six, { coordinateSystem: "IJK" })] }),
    ).toContain("at markups[0].coordinateSystem: ");
    const text = JSON.stringify({ markups: [fiducials("a")] });
    expect(await refusal(text.replace("41.5", "1e999"))).toContain(
      "at markups[0].controlPoints[5].position[2]: a coordinate must be a finite number",
    );
    expect(await refusal(text.replace("41.5", "null"))).toContain("position[2]");
    expect(await refusal(text.replace("41.5", "NaN"))).toContain("is not valid JSON");
    expect(await refusal({ markups: [fiducials("a"), fiducials("a")] })).toContain(
      'the organ "a" appears twice',
    );
  });

  it("refuses ROIs when there is nothing else, and empty files", async () => {
    expect(await refusal({ markups: [{ type: "ROI" }] })).toContain("holds only ROI markups");
    expect(await refusal({ markups: [] })).toContain("holds no extreme points");
    expect(await refusal({})).toContain("holds no extreme points");
    expect(await refusal([])).toContain("holds no extreme points");
  });
});

describe("plain JSON", () => {
  it("reads points and parts, labels and coordinate systems", async () => {
    const organs = { liver: { label: 3, points: six }, spleen: { parts: [six, six] } };
    expect(await readExtremePoints(file({ version: 1, organs }))).toEqual([
      { name: "liver", label: 3, parts: [six] },
      { name: "spleen", parts: [six, six] },
    ]);
    const ras = { version: 1, coordinateSystem: "RAS", organs: { a: { points: six } } };
    expect((await readExtremePoints(file(ras)))[0]?.parts).toEqual([sixFlipped]);
  });

  it("names the place of what is wrong", async () => {
    const refuseOrgan = (organ: object) => refusal({ version: 1, organs: { liver: organ } });
    expect(await refuseOrgan({ points: six.slice(2) })).toContain(
      "at organs.liver.points: 4 points",
    );
    expect(await refuseOrgan({ parts: [six, []] })).toContain("at organs.liver.parts[1]: 0 points");
    expect(await refuseOrgan({ parts: [] })).toContain("at organs.liver.parts: ");
    expect(await refuseOrgan({ points: [...six.slice(1), [1, 2]] })).toContain(
      "at organs.liver.points[5]: a point is three numbers",
    );
    expect(await refuseOrgan({ points: six, parts: [six] })).toContain("either");
    expect(await refuseOrgan({ label: 1 })).toContain("either");
    expect(await refuseOrgan({ label: 0, points: six })).toContain("at organs.liver.label: ");
    expect(await refuseOrgan({ point: six })).toContain("at organs.liver: ");
    expect(await refusal({ version: 2, organs: {} })).toContain("at version: ");
    expect(await refusal({ version: 1, organs: { " ": { points: six } } })).toContain("is empty");
    expect(
      await refusal({ version: 1, organs: { a: { points: six }, "a ": { points: six } } }),
    ).toContain('the organ "a" appears twice');
    expect(await refusal({ version: 1, organs: [] })).toContain("at organs: ");
  });
});

describe("files that are no annotations", () => {
  it("says that there is none, or that it is something else", async () => {
    await expect(readExtremePoints(join(folder, "none.json"))).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
    await expect(readExtremePoints(folder)).rejects.toMatchObject({ code: "READ_FAILED" });
    expect(await refusal("six points")).toContain("is not valid JSON");
    const binary = join(folder, "binary.json");
    writeFileSync(binary, Buffer.from([0x1f, 0x8b, 0xff, 0xfe]));
    await expect(readExtremePoints(binary)).rejects.toThrow("is not UTF-8 text");
    const big = join(folder, "big.json");
    writeFileSync(big, Buffer.alloc(17 * 1024 * 1024, 0x20));
    await expect(readExtremePoints(big)).rejects.toThrow("larger than 16 MB");
  });
});
