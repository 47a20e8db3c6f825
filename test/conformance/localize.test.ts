import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { callNative } from "../../lib/addon/call.js";
import { native } from "../../lib/addon/loader.js";
import { localize, MedLam, type Scale, Templates, type Triple } from "../../lib/index.js";
import { conformance, largestDifference, TensorFile } from "../support/data.js";
import { sharedTemplates } from "../support/shared-templates.js";

interface Run {
  scales: Scale[];
  query_centers_padded_zyx: Triple[];
  boxes_zyx: Record<string, [Triple, Triple][]>;
  peaks?: Record<string, number[]>;
}

const classes = [1, 2, 3, 5, 6];
const runs: Record<string, Run> = JSON.parse(
  await readFile(conformance("localize/boxes.json"), "utf8"),
);
const medlam = await MedLam.load(conformance("medlam/medlam.pth"));
describe.each(["wpl", "spl"] as const)("templates, %s (4)", (strategy) => {
  let templates: Templates;

  beforeAll(async () => {
    templates = await Templates.open(await sharedTemplates(strategy));
  });

  it("positions and kernels", async () => {
    const file = await TensorFile.open(`localize/${strategy.toUpperCase()}_templates.safetensors`);
    for (const [i, first] of templates.firstPoints().entries()) {
      const name = `${classes[i]}`;
      const count = 6 * (templates.organs[i]?.parts ?? 0);
      expect(templates.organs[i]).toMatchObject({ name, label: classes[i], supports: 2 });
      expect(file.shape(`${name}.position`)).toEqual([count, 3]);
      const positions = templates.positions.subarray(3 * first, 3 * (first + count));
      expect(largestDifference(positions, await file.read(`${name}.position`))).toBeLessThan(2e-3);
      const kernels = await Promise.all(
        Array.from({ length: count }, (_, point) =>
          callNative({}, (task) =>
            native.templateKernels({ templates: templates.handle, point: first + point }, task),
          ),
        ),
      );
      for (const scale of [0, 1, 2]) {
        const expected = await file.read(`${name}.kernel${scale}`);
        const size = expected.length / count;
        for (let point = 0; point < count; point++) {
          const kernel = kernels[point]?.[scale] as Float32Array;
          expect(
            largestDifference(kernel, expected.slice(point * size, (point + 1) * size)),
          ).toBeLessThan(2e-3);
        }
      }
    }
  });

  it("the file says what it is", () => {
    expect(templates).toMatchObject({
      strategy,
      sliceInterval: strategy === "spl" ? 2 : null,
      conventions: "reference",
      fingerprint: medlam.fingerprint,
      width: 2,
      patch: 64,
      supports: ["a.nii.gz", "b.nii.gz"],
    });
  });

  it.each(Object.keys(runs).filter((name) => name.startsWith(strategy.toUpperCase())))(
    "%s gives the boxes (5)",
    async (name) => {
      const run = runs[name] as Run;
      const result = await localize(conformance("ct/q.nii.gz"), {
        medlam,
        templates,
        scales: run.scales,
        conventions: "reference",
        queryCenters: run.query_centers_padded_zyx,
      });
      const boxes = Object.fromEntries(
        Object.entries(result.organs).map(([organ, { parts }]) => [
          organ,
          parts.map(({ min, max }) => [min, max]),
        ]),
      );
      expect(boxes).toEqual(run.boxes_zyx);
      for (const [organ, peaks] of Object.entries(run.scales.length > 0 ? (run.peaks ?? {}) : {})) {
        const mean =
          peaks.reduce((sum, peak) => sum + (peak - 1) / (2 * run.scales.length), 0) / peaks.length;
        expect(result.organs[organ]?.score).toBeCloseTo(mean, 3);
      }
    },
  );
});
