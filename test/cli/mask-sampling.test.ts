/** Where in SAM's image a pixel of the slice finds its mask, which the weights say. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Checkpoint, Sam, Volume } from "../../lib/index.js";
import { expectRefusal, medlam, run, scan, succeed } from "../support/command.js";
import { sam, small, writeBoxes } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-sampling-"));
afterAll(() => rmSync(folder, { recursive: true }));
const centers = join(folder, "centers.safetensors");

beforeAll(() => succeed("models", "convert", sam, "-o", centers, "--mask-centers"));

/** The liver's mask of these weights, a byte a voxel. */
async function maskOf(weights: string, ...options: string[]): Promise<Uint8Array> {
  const boxes = writeBoxes(join(folder, "boxes.json"), small);
  const output = join(
    folder,
    `masks-${options.length}-${weights === sam ? "published" : "centers"}`,
  );
  await succeed("segment", scan, "--boxes", boxes, "--sam", weights, "-o", output, ...options);
  const volume = await Volume.read(join(output, "q", "liver.nii.gz"));
  const values = await volume.values();
  volume.close();
  return Uint8Array.from(values);
}

it("is in the metadata, and part of the network's fingerprint", async () => {
  expect((await Checkpoint.open(centers)).metadata.mask_sampling).toBe("centers");
  const [published, marked] = [await Sam.load(sam), await Sam.load(centers)];
  expect(marked.fingerprint).not.toBe(published.fingerprint);
});

it("changes masks, but not those of the published conventions", async () => {
  const [published, marked] = [await maskOf(sam), await maskOf(centers)];
  expect(published.includes(1)).toBe(true);
  expect(marked).not.toEqual(published);
  const reference = ["--conventions", "reference"];
  expect(await maskOf(centers, ...reference)).toEqual(await maskOf(sam, ...reference));
});

it("is refused for other networks, and where it is unknown", async () => {
  const out = join(folder, "out.safetensors");
  const other = await run("models", "convert", medlam, "-o", out, "--mask-centers");
  expectRefusal(other, 2, medlam, "MedLAM");
  await (await Checkpoint.open(sam)).write(out, { metadata: { mask_sampling: "edges" } });
  await expect(Sam.load(out)).rejects.toThrow(/"mask_sampling": "edges".*"centers"/);
});
