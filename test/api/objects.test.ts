/** Networks, volumes and what the machine has, as programs meet them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, info, MedLam, type Triple, UsageError, Volume } from "../../lib/index.js";
import { data, medlam, scan } from "../support/command.js";

const folder = await mkdtemp(join(tmpdir(), "medlsam-objects-"));
afterAll(() => rm(folder, { recursive: true }));

describe("networks", () => {
  it("another model's checkpoint is refused by name", async () => {
    await expect(MedLam.load(data("ct/grid.safetensors"))).rejects.toThrow(
      /tensor 'conv0_1.model.conv1_1.Conv.bias' is missing/,
    );
    await expect(MedLam.load(scan)).rejects.toBeInstanceOf(InputError);
  });

  it("a closed object says so instead of crashing", async () => {
    const network = await MedLam.load(medlam);
    network.close();
    network.close();
    await expect(network.run(new Float32Array(64 ** 3), -1)).rejects.toThrow(/closed/);
  });
});

describe("volumes", () => {
  const affine = [0, 0, 2.5, 10, -0.8, 0, 0, 20, 0, 1.2, 0, -30, 0, 0, 0, 1];
  const shape: Triple = [3, 4, 5];

  it("keep values and geometry through a file", async () => {
    const values = Int16Array.from({ length: 60 }, (_, i) => 31 * i - 1000);
    const volume = await Volume.fromArray(values, { shape, affine });
    const path = join(folder, "volume.nii.gz");
    await volume.write(path);
    const read = await Volume.read(path);
    expect(read).toMatchObject({ shape, axes: "PSR", dtype: "I16", path });
    expect(read.spacing.map((mm) => Number(mm.toFixed(5)))).toEqual([2.5, 1.2, 0.8]);
    expect(await read.stored()).toEqual(values);
    expect(await read.values()).toEqual(Float32Array.from(values));
    await read.writeLike(join(folder, "mask.nii"), new Uint8Array(60).fill(1));
    expect((await Volume.read(join(folder, "mask.nii"))).affine).toEqual(read.affine);
  });

  it("refuse arrays that do not fit", async () => {
    await expect(Volume.fromArray(new Uint8Array(7), { shape, affine })).rejects.toThrow(
      UsageError,
    );
    const singular = [...affine.slice(0, 8), ...affine.slice(0, 4), 0, 0, 0, 1];
    await expect(
      Volume.fromArray(new Uint8Array(60), { shape, affine: singular }),
    ).rejects.toMatchObject({
      code: "BAD_VOLUME",
    });
  });
});

it("info names versions and runtimes", async () => {
  expect(await info()).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    devices: expect.arrayContaining(["cpu"]),
    onnxRuntime: {
      version: expect.any(String),
      providers: expect.arrayContaining(["CPUExecutionProvider"]),
      devices: expect.arrayContaining(["cpu"]),
    },
  });
});
