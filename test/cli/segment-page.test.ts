/** `medlsam segment --page`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { labelColor } from "../../lib/formats/label-names.js";
import { type Box, Volume } from "../../lib/index.js";
import { scan, succeed } from "../support/command.js";
import {
  count,
  everything,
  readJson,
  sam,
  scanShape,
  writeBoxes,
} from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-segment-page-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("the page holds the scan, the masks and the boxes, and is one of the case's files", async () => {
  const box: Box = { min: [40, 40, 40], max: [41, 70, 80] };
  const organs = {
    liver: { label: 5, box },
    heart: { label: 3, present: false },
  };
  const boxes = writeBoxes(join(folder, "boxes.json"), organs);
  const output = join(folder, "masks");
  await succeed("segment", scan, "--boxes", boxes, "--sam", sam, "-o", output, "--page", "-q");
  expect(everything(output)).toEqual(
    ["q", "q/boxes.json", "q/heart.nii.gz", "q/liver.nii.gz", "q/page.html"].sort(),
  );
  const { files } = readJson<{ files: string[] }>(join(output, "q/boxes.json"));
  expect(files).toContain("page.html");

  const html = readFileSync(join(output, "q/page.html"), "utf8");
  const volume = async (id: string) => {
    const base64 = new RegExp(`id="${id}"[^>]*>([^<]*)<`).exec(html)?.[1] ?? "";
    const path = join(folder, `${id}.nii.gz`);
    writeFileSync(path, Buffer.from(base64, "base64"));
    return Volume.read(path);
  };
  const [shown, original] = [await volume("ct"), await Volume.read(scan)];
  expect(shown.shape).toEqual(scanShape);
  expect(shown.affine).toEqual(original.affine);
  expect(shown.dtype).toBe(original.dtype);
  const [found, wanted] = [await shown.stored(), await original.stored()];
  // Vitest takes seconds to compare as many numbers.
  expect(Buffer.from(found.buffer).equals(Buffer.from(wanted.buffer))).toBe(true);
  const mask = await (await Volume.read(join(output, "q/liver.nii.gz"))).stored();
  const labels = await (await volume("masks")).stored();
  const voxels = count(mask as Uint8Array);
  expect(voxels).toBeGreaterThan(0);
  expect(count(labels as Uint8Array, 5)).toBe(voxels);

  const data = JSON.parse(/id="data">(.*)<\/script>/.exec(html)?.[1] ?? "");
  expect(data.organs).toMatchObject([
    {
      ...{ name: "liver", label: 5, present: true, box },
      color: labelColor(5).map((channel) => Math.round(255 * channel)),
    },
    { name: "heart", present: false },
  ]);
});
