import { describe, expect, it } from "vitest";
import {
  type LocalizedClass,
  localizationFiles,
  maskName,
  pngName,
  segmentationFiles,
} from "../../lib/paper/results.js";

const config = "configs/test_word_spl.txt";

function textOf(files: { path: string; text: string }[], path: string): string | undefined {
  return files.find((file) => file.path === path)?.text;
}

describe("localizationFiles", () => {
  const located = (iou: number, wd: number): LocalizedClass => ({
    parts: [{ min: [1, 2, 3], max: [4, 5, 6] }],
    truth: { min: [0, 2, 3], max: [4, 5, 7] },
    spacing: [3, 0.5, 0.5],
    iou,
    wd,
  });
  const files = localizationFiles(
    config,
    new Map([
      [2, [located(0.5, 10), located(0.25, 4)]],
      [7, []],
      [1, [located(1 / 3, 2.5)]],
    ]),
  );

  it("writes a line per class, in the classes' order, without classes that no case has", () => {
    expect(textOf(files, "result/iou/word_spl.txt")).toBe(
      "MedSAM IOU for class 2: 0.375 +- 0.125\nMedSAM IOU for class 1: 0.333 +- 0.000\n",
    );
    expect(textOf(files, "result/wd/word_spl.txt")).toBe(
      "MedSAM WD for class 2: 7.000 +- 3.000\nMedSAM WD for class 1: 2.500 +- 0.000\n",
    );
  });

  it("writes the boxes as JSON", () => {
    const json = JSON.parse(textOf(files, "result/json/iou_word_spl.txt") ?? "");
    const truth = [
      [0, 2, 3],
      [4, 5, 7],
    ];
    const predicted = [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ];
    expect(json["1"]).toEqual([[predicted, truth, [3, 0.5, 0.5]]]);
    expect(json["2"]).toHaveLength(2);
    expect(files).toHaveLength(3);
  });
});

describe("segmentationFiles", () => {
  const scores = (values: number[]) => values.map((dice) => ({ dice, hd95: 10 * dice }));
  const lineOf = (values: number[]) =>
    textOf(segmentationFiles(config, new Map([[4, scores(values)]])), "result/dsc/word_spl.txt");

  it("writes text and JSON of both measures", () => {
    const files = segmentationFiles(
      config,
      new Map([
        [4, scores([0.9, 0.7])],
        [9, []],
      ]),
    );
    expect(Object.fromEntries(files.map(({ path, text }) => [path, text]))).toEqual({
      "result/dsc/word_spl.txt": "DSC for class 4: 0.800 +- 0.100\n",
      "result/json/dsc_word_spl.txt": '{"4":[0.9,0.7],"9":[]}',
      "result/hd95/word_spl.txt": "HD95 for class 4: 8.000 +- 1.000\n",
      "result/json/hd95_word_spl.txt": '{"4":[9,7],"9":[]}',
    });
  });

  // Python: f"{value:.3f}"
  it.each([
    [0.0625, "0.062"],
    [0.1875, "0.188"],
    [12.3125, "12.312"],
    [12.4375, "12.438"],
    [0.0005, "0.001"],
    [0.0015, "0.002"],
    [2.0005, "2.001"],
    [0, "0.000"],
    [Number.NaN, "nan"],
    [Number.POSITIVE_INFINITY, "inf"],
  ])("writes %d as Python does", (value, text) => {
    expect(lineOf([value])).toContain(`DSC for class 4: ${text} +- `);
  });
});

describe("names of masks and pictures", () => {
  it("has the config, the image, the case's number, the class and the part", () => {
    const image = "data/word_0002.v1.nii.gz";
    expect(maskName(config, image, 0, 12)).toBe("word_spl_word_0002_0_cl12.nii.gz");
    expect(pngName(config, image, 3, 1)).toBe("word_spl_word_0002_3_cl1.png");
    expect(pngName(config, image, 3, 1, 0)).toBe("word_spl_word_0002_3_cl1_0.png");
  });
});
