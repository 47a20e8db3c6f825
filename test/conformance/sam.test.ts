import { describe, expect, it } from "vitest";
import { Sam, type SlicePrompt, segment, steps, Volume } from "../../lib/index.js";
import { conformance, largestDifference, TensorFile } from "../support/data.js";

const file = await TensorFile.open("sam/forward.safetensors");
const checkpoint = conformance("sam/sam_tiny.pth");
const sam = await Sam.load(checkpoint);
const edge = sam.imageSize;
const size = [130, 150] as const;
const pixels = size[0] * size[1];
const slices = [0, 1, 2];

const hu = Int16Array.from(await file.read("volume_slices_hu"));
const clip = await file.read("clip_min_max_of_volume");
/** The slices are of a larger volume, whose least and greatest value `reference` maps to 0 and 255: a slice of both. */
const range = Int16Array.from({ length: pixels }, (_, i) => clip[i % 2] as number);
const affine = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const volume = await Volume.fromArray(Int16Array.from([...hu, ...range]), {
  shape: [4, ...size],
  affine,
});

const boxes: SlicePrompt[] = [];
const corners = await file.read("boxes_xyxy");
for (let i = 0; i < corners.length; i += 4)
  boxes.push({ box: corners.slice(i, i + 4) as [number, number, number, number] });

/** Pixels that differ at all, and the most by which one does. */
function compareBytes(found: ArrayLike<number>, wanted: ArrayLike<number>) {
  let differing = 0;
  for (let i = 0; i < wanted.length; i++) if (found[i] !== wanted[i]) differing++;
  return { share: differing / wanted.length, most: largestDifference(found, wanted) };
}

function dice(probabilities: Float32Array, wanted: ArrayLike<number>): number {
  let both = 0;
  let sum = 0;
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [+((probabilities[i] as number) > 0.5), wanted[i] as number];
    both += a * b;
    sum += a + b;
  }
  return (2 * both) / sum;
}

describe("slices (6.1)", async () => {
  const windowed = await steps.windowSlices(volume, { conventions: "reference" });
  const slice = (z: number) => windowed.data.subarray(z * pixels, (z + 1) * pixels);

  it("from HU to 8 bit, values of exactly 0 black", async () => {
    const wanted = await file.read("slices_u8");
    const { share, most } = compareBytes(windowed.data.subarray(0, 3 * pixels), wanted);
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(1e-3);
  });

  it("resized to the model's edge", async () => {
    const wanted = await file.read("resized_u8");
    for (const z of slices) {
      const found = await steps.resizeSlice(slice(z), size, edge);
      const { share, most } = compareBytes(found, wanted.slice(z * edge ** 2, (z + 1) * edge ** 2));
      expect(most).toBeLessThanOrEqual(1);
      expect(share).toBeLessThan(1e-3);
    }
  });

  it("shrunk with anti-aliasing", async () => {
    const big = Uint8Array.from(await file.read("big_u8"));
    const found = await steps.resizeSlice(big, [390, 440], edge);
    const { share, most } = compareBytes(found, await file.read("big_resized_u8"));
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(1e-3);
  });
});

describe.each(["cpu", "onnx"] as const)("SAM on the %s runtime (6.2, 6.3)", async (runtime) => {
  const sam = await Sam.load(checkpoint, { runtime });
  const resized = await file.floats("resized_u8");
  const embeddings = await sam.encode(resized);
  const embedding = (z: number) =>
    embeddings.subarray((z * embeddings.length) / 3, ((z + 1) * embeddings.length) / 3);

  it("embeds slices", async () => {
    for (const z of slices) {
      const wanted = await file.read(`${z}.embedding`);
      expect(largestDifference(embedding(z), wanted)).toBeLessThan(1e-3);
    }
  });

  it("masks all boxes of a slice at once, one mask or three each", async () => {
    for (const z of slices) {
      const one = await sam.decode(embedding(z), boxes);
      expect(largestDifference(one.logits, await file.read(`${z}.logits`))).toBeLessThan(1e-3);
      expect(largestDifference(one.ious, await file.read(`${z}.iou`))).toBeLessThan(1e-3);
      const three = await sam.decode(embedding(z), boxes, { multimask: true });
      const wanted = await file.read(`${z}.iou_multimask`);
      expect(largestDifference(three.ious, wanted)).toBeLessThan(1e-3);
      if (z > 0) continue;
      const logits = await file.read("0.logits_multimask");
      expect(largestDifference(three.logits, logits)).toBeLessThan(1e-3);
    }
  });

  it("is prompted by points", async () => {
    const xy = await file.read("points.xy");
    const labels = await file.read("points.label");
    const points = labels.map((label, i) => ({
      x: xy[2 * i] as number,
      y: xy[2 * i + 1] as number,
      foreground: label === 1,
    }));
    const found = await sam.decode(embedding(0), [{ points }], { multimask: true });
    expect(largestDifference(found.logits, await file.read("points.logits"))).toBeLessThan(1e-3);
    expect(largestDifference(found.ious, await file.read("points.iou"))).toBeLessThan(1e-3);
  });

  it("is prompted by a mask beside a box", async () => {
    const masks = await file.floats("mask_prompt.input");
    const found = await sam.decode(embedding(0), boxes.slice(0, 1), { masks });
    const wanted = await file.read("mask_prompt.logits");
    expect(largestDifference(found.logits, wanted)).toBeLessThan(1e-3);
  });
});

describe("masks (6.4)", () => {
  it("at the slice's pixels and at the model's", async () => {
    for (const z of slices) {
      const logits = await file.floats(`${z}.logits`);
      const each = logits.length / boxes.length;
      const [onSlice, onModel] = [
        await file.read(`${z}.mask_slice_px`),
        await file.read(`${z}.mask_model_px`),
      ];
      for (const box of boxes.keys()) {
        const own = logits.slice(box * each, (box + 1) * each);
        const part = (values: number[], count: number) =>
          values.slice(box * count, (box + 1) * count);
        const small = await steps.decodeMask(own, edge, size);
        expect(dice(small, part(onSlice, pixels))).toBeGreaterThan(0.999);
        const large = await steps.decodeMask(own, edge, [edge, edge]);
        expect(dice(large, part(onModel, edge ** 2))).toBeGreaterThan(0.999);
      }
    }
  });
});

describe("whole (6)", () => {
  it("a volume's masks are those of its slices", async () => {
    // Boxes of whole voxels whose prompts SAM answers with some foreground.
    const box = { min: [0, 30, 40] as const, max: [2, 90, 110] as const };
    const prompt = { min: [...box.min], max: [...box.max] } as {
      min: [number, number, number];
      max: [number, number, number];
    };
    const run = await segment(volume, {
      segmenter: sam,
      organs: { organ: { box: prompt } },
      conventions: "reference",
    });
    const found = await run.organs.organ?.mask();
    run.close();
    const scaled = (voxel: number, length: number) => Math.round((voxel * edge) / length);
    const onSlice: SlicePrompt = {
      box: [
        scaled(40, 150) - 10,
        scaled(30, 130) - 10,
        scaled(110, 150) + 10,
        scaled(90, 130) + 10,
      ],
    };
    for (const z of slices) {
      const embedding = await file.floats(`${z}.embedding`);
      const { logits } = await sam.decode(embedding, [onSlice]);
      const wanted = await steps.decodeMask(logits, edge, size);
      const mask = found?.subarray(z * pixels, (z + 1) * pixels);
      expect(dice(wanted, mask ?? [])).toBeGreaterThan(0.999);
    }
  });
});
