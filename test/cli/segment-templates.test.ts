import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Volume } from "../../lib/index.js";
import { data, medlam, scan, succeed } from "../support/command.js";
import {
  type BoxesOrgan,
  count,
  geometryBytes,
  hashes,
  readJson,
  readMask,
  sam,
} from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-segment-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const models = ["--medlam", medlam, "--sam", sam, "-q"];

interface Boxes {
  organs: Record<string, Required<BoxesOrgan>>;
  files: string[];
}
interface ReportFile {
  settings: { scales: number[] };
  cases: { status: string; counts: Record<string, number>; seconds: Record<string, number> }[];
}

function support(name: string): string[] {
  return [data(`ct/${name}.nii.gz`), "--labels", data(`ct/${name}_label.nii.gz`)];
}

function distinctSlices(boxes: readonly { min: number[]; max: number[] }[]): Set<number> {
  const slices = new Set<number>();
  for (const { min, max } of boxes)
    for (let z = min[0] as number; z <= (max[0] as number); z++) slices.add(z);
  return slices;
}

// Of the random network's answers, these place organs in the scan: WPL organ 6 of 1 and 6, SPL organ 2.
const cases = [
  { name: "wpl", build: [...support("b"), "--classes", "1,6"], here: "6", absent: ["1"], parts: 1 },
  {
    name: "spl",
    build: [...support("a"), "--classes", "2", "--strategy", "spl", "--slice-interval", "4"],
    here: "2",
    absent: [],
    parts: 5,
  },
] as const;
const segment = (name: string, output: string, ...args: string[]) =>
  succeed(
    ...["segment", scan, "-t", at(`${name}.safetensors`), ...models],
    ...["--scales", "none", "-o", at(output), ...args],
  );

describe.each(cases)(
  "medlsam segment with $name templates",
  ({ name, build, here, absent, parts }) => {
    beforeAll(async () => {
      const output = at(`${name}.safetensors`);
      await succeed("template", "build", ...build, "--medlam", medlam, "-o", output);
      await segment(name, name, "--report", at(`${name}.report.json`), "--threads", "2");
    });
    const result = (file: string) => join(folder, name, "q", file);

    it("a mask of 0 and 1 for every organ, with the scan's geometry to the bit; empty for the absent", async () => {
      const boxes = readJson<Boxes>(result("boxes.json"));
      const files = [here, ...absent].map((organ) => `${organ}.nii.gz`).sort();
      expect(boxes.files).toEqual(files);
      expect(readdirSync(join(folder, name), { recursive: true }).sort()).toEqual(
        ["q", ...[...files, "boxes.json"].map((file) => join("q", file))].sort(),
      );
      const geometry = geometryBytes(scan);
      const image = await Volume.read(scan);
      for (const organ of [here, ...absent]) {
        const path = result(`${organ}.nii.gz`);
        expect(geometryBytes(path)).toEqual(geometry);
        const { shape, affine, dtype } = await Volume.read(path);
        expect({ shape, affine, dtype }).toEqual({
          shape: image.shape,
          affine: image.affine,
          dtype: "U8",
        });
        const mask = await readMask(path);
        const foreground = count(mask, 1);
        expect(foreground + count(mask, 0)).toBe(mask.length);
        expect(foreground > 0).toBe(organ === here);
        expect(boxes.organs[organ]?.present).toBe(organ === here);
      }
      expect(boxes.organs[here]?.parts).toHaveLength(parts);
    });

    it("one encoder run for every slice of a box, whatever the number of parts", () => {
      const { organs } = readJson<Boxes>(result("boxes.json"));
      const [entry] = readJson<ReportFile>(at(`${name}.report.json`)).cases;
      const slices = distinctSlices(organs[here]?.parts ?? []);
      expect(entry).toMatchObject({
        status: "done",
        counts: {
          organs: 1 + absent.length,
          present: 1,
          encoderRuns: slices.size,
          prompts: slices.size,
        },
      });
      expect(entry?.counts.patches).toBeGreaterThanOrEqual(10);
      expect(entry?.seconds.total).toBeGreaterThan(0);
    });

    it("the same bytes again: from boxes.json, with one thread, and without its absent organs", async () => {
      const whole = hashes(join(folder, name, "q"));
      await succeed(
        ...["segment", scan, "--sam", sam, "-q", "-o", at(`${name}-again`), "--threads", "1"],
        ...["--boxes", result("boxes.json")],
      );
      expect(hashes(join(folder, `${name}-again`, "q"))).toEqual(whole);
      await segment(name, `${name}-one`, "--threads", "1", "--roi-subset", here);
      const { [`${here}.nii.gz`]: one } = whole;
      expect(hashes(join(folder, `${name}-one`, "q"))).toEqual({ [`${here}.nii.gz`]: one });
    });
  },
);

describe("medlsam segment without any organ in the scan", () => {
  it("ends well, says it plainly, and leaves empty masks", async () => {
    const args = ["segment", scan, "-t", at("wpl.safetensors"), ...models.slice(0, -1)];
    const { stderr } = await succeed(
      ...[...args, "--scales", "none", "--roi-subset", "1", "-o", at("none"), "--statistics"],
    );
    expect(stderr).toMatch(/q\.nii\.gz: none of the 1 organ is in this scan; the masks are empty/);
    expect(count(await readMask(at("none/q/1.nii.gz")))).toBe(0);
    expect(readJson(at("none/q/statistics.json"))).toEqual({ 1: { volume: 0, intensity: 0 } });
  });
});
