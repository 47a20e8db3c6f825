import { describe, expect, it } from "vitest";
import { steps, type Triple, Volume } from "../../lib/index.js";
import { conformance, largestDifference, offset, TensorFile } from "../support/data.js";

/** The data holds grids without their padding. */
const padding = 32;

/** Voxel (x, y, z) → RAS mm for stored axes that point where the code says. */
function affineOf(code: string): number[] {
  const affine = new Array<number>(16).fill(0);
  for (const [column, letter] of [...code].entries()) {
    const row = ["LR", "PA", "IS"].findIndex((pair) => pair.includes(letter));
    affine[4 * row + column] = "RAS".includes(letter) ? 1 : -1;
  }
  affine[15] = 1;
  return affine;
}

describe("orientation (1.1, 5.5)", async () => {
  const file = await TensorFile.open("grid/orientation.safetensors");
  const codes = file.names
    .filter((name) => name.endsWith(".las_zyx"))
    .map((name) => name.slice(0, 3));

  it("knows all 48 axis orders", () => expect(new Set(codes).size).toBe(48));

  it.each(codes)("%s", async (code) => {
    const expectedToStored = await file.read(`${code}.las_to_stored`);
    const las = await file.read(`${code}.las_zyx`);
    const lasShape = file.shape(`${code}.las_zyx`) as Triple;
    // Lay the LAS ramp out as a volume stored with this code would be, by the expected matrix, and bring it back.
    const storedShape = [0, 1, 2].map((row) =>
      [2, 1, 0].reduce(
        (sum, lasAxis, column) =>
          sum +
          Math.abs(expectedToStored[4 * row + column] as number) * (lasShape[lasAxis] as number),
        0,
      ),
    );
    const shape = [...storedShape].reverse() as Triple;
    const stored = new Float64Array(las.length);
    for (let z = 0; z < lasShape[0]; z++) {
      for (let y = 0; y < lasShape[1]; y++) {
        for (let x = 0; x < lasShape[2]; x++) {
          const at = [0, 1, 2].map((row) =>
            [x, y, z, 1].reduce(
              (sum, value, c) => sum + (expectedToStored[4 * row + c] as number) * value,
              0,
            ),
          );
          stored[offset(shape, at.reverse())] = las[offset(lasShape, [z, y, x])] as number;
        }
      }
    }
    const volume = await Volume.fromArray(stored, { shape, affine: affineOf(code) });
    const result = await steps.toLas(volume);
    expect(volume.axes).toBe(code);
    expect(result.shape).toEqual(lasShape);
    expect(Array.from(result.data)).toEqual(las);
    expect(result.lasToStored).toEqual(expectedToStored);
  });
});

describe("resampling (1.2)", async () => {
  const file = await TensorFile.open("grid/resample.safetensors");
  const cases = (kind: string) =>
    file.names
      .filter((name) => name.startsWith(kind) && name.endsWith(".zoom"))
      .map((name) => name.slice(0, -5));

  it.each(cases("spline3"))("%s", async (name) => {
    const input = {
      shape: file.shape(`${name}.input`) as Triple,
      data: Float64Array.from(await file.read(`${name}.input`)),
    };
    const expected = await file.read(`${name}.output`);
    const result = await steps.resampleSpline(input, (await file.read(`${name}.zoom`)) as Triple);
    const range = Math.max(...expected) - Math.min(...expected);
    expect(result.shape).toEqual(file.shape(`${name}.output`));
    expect(largestDifference(result.data, expected) / range).toBeLessThan(1e-6);
  });

  it.each(cases("label"))("%s", async (name) => {
    const input = {
      shape: file.shape(`${name}.input`) as Triple,
      data: Uint16Array.from(await file.read(`${name}.input`)),
    };
    const result = await steps.resampleLabels(input, (await file.read(`${name}.zoom`)) as Triple);
    expect(result.shape).toEqual(file.shape(`${name}.output`));
    expect(Array.from(result.data)).toEqual(await file.read(`${name}.output`));
  });
});

it("HU map (1.3)", async () => {
  const file = await TensorFile.open("grid/resample.safetensors");
  const result = await steps.mapHu(Float64Array.from(await file.read("hu.input")));
  expect(Array.from(result)).toEqual(await file.read("hu.output"));
});

describe.each(["a", "b", "q"])("the grid of CT %s (1)", async (name) => {
  const file = await TensorFile.open("ct/grid.safetensors");

  it("image", async () => {
    const volume = await Volume.read(conformance(`ct/${name}.nii.gz`));
    const grid = await steps.imageGrid(volume, { conventions: "reference" });
    expect(grid.shape.map((extent) => extent - 2 * padding)).toEqual(
      await file.read(`${name}.shape`),
    );
    const index = await file.read(`${name}.index`);
    const values = Array.from({ length: index.length / 3 }, (_, i) => {
      const padded = index.slice(3 * i, 3 * i + 3).map((value) => value + padding);
      return grid.data[offset(grid.shape, padded)] as number;
    });
    expect(largestDifference(values, await file.read(`${name}.value`))).toBeLessThan(1e-5);
  });

  it("label map", async () => {
    const volume = await Volume.read(conformance(`ct/${name}_label.nii.gz`));
    const grid = await steps.labelGrid(volume, { conventions: "reference" });
    const shape = (await file.read(`${name}.label_shape`)) as Triple;
    expect(grid.shape.map((extent) => extent - 2 * padding)).toEqual(shape);
    const expected = await file.read(`${name}.label`);
    let at = 0;
    let wrong = 0;
    for (let z = 0; z < shape[0]; z++) {
      for (let y = 0; y < shape[1]; y++) {
        for (let x = 0; x < shape[2]; x++) {
          if (
            grid.data[offset(grid.shape, [z + padding, y + padding, x + padding])] !==
            expected[at++]
          )
            wrong++;
        }
      }
    }
    expect(wrong).toBe(0);
  });
});
