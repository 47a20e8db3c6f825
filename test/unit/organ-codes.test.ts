/** Codes of organs, and names of regions of interest. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { codesOf, readOrganCodes } from "../../lib/dicom-masks/codes.js";
import { cieLab } from "../../lib/dicom-masks/color.js";
import { roiNames } from "../../lib/dicom-masks/roi-names.js";
import { conformance } from "../support/data.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-codes-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Listed {
  type: object;
  modifier?: object;
  rgb: number[];
  aliases?: string[];
}

const { category, unknown, organs } = JSON.parse(
  readFileSync(conformance("dicom/codes.json"), "utf8"),
) as {
  category: object;
  unknown: { type: object; category: object };
  organs: Record<string, Listed>;
};

describe("codes", () => {
  it.each(Object.entries(organs))("of %s, under all its names", (name, listed) => {
    for (const each of [name, ...(listed.aliases ?? [])]) {
      const { color, ...codes } = codesOf(each, 1);
      const { type, modifier } = listed;
      expect(codes, each).toEqual({ category, type, ...(modifier && { modifier }) });
      expect(color, each).toEqual(listed.rgb);
    }
  });

  it("names are compared without case, spaces, hyphens and underscores; sides are read in every place", () => {
    const kidney = codesOf("kidney_right", 1);
    for (const name of ["Right Kidney", "KIDNEY-RIGHT", "kidney_R", "kidney r", "rightkidney"]) {
      expect(codesOf(name, 1), name).toEqual(kidney);
    }
    expect(codesOf("aorta left", 1)).toMatchObject({
      type: { meaning: "Aorta" },
      modifier: { meaning: "Left" },
    });
    expect(codesOf("kidney", 1).modifier).toBeUndefined();
  });

  it("an unknown organ is a tissue with a color of its label", () => {
    expect(codesOf("gizmo", 3)).toMatchObject(unknown);
    expect(codesOf("gizmo", 3).color).not.toEqual(codesOf("gizmo", 4).color);
    // Ends in an l, but not in a side.
    expect(codesOf("vessel", 3)).toMatchObject(unknown);
  });

  it("of a file go before these", async () => {
    const path = join(folder, "codes.json");
    const thymus = { value: "9875009", scheme: "SCT", meaning: "Thymus" };
    writeFileSync(
      path,
      JSON.stringify({ organs: { thymus: { type: thymus, rgb: [1, 2, 3], aliases: ["Liver"] } } }),
    );
    const given = await readOrganCodes(path);
    expect(codesOf("Thymus", 1, given)).toEqual({ category, type: thymus, color: [1, 2, 3] });
    expect(codesOf("liver", 1, given).type).toEqual(thymus);
    writeFileSync(path, JSON.stringify({ organs: { thymus: { type: { value: "9875009" } } } }));
    await expect(readOrganCodes(path)).rejects.toThrow(/organs\.thymus\.type\.scheme/);
  });

  it("colors are CIELab in 16 bits", () => {
    expect(cieLab([0, 0, 0])).toEqual([0, 32896, 32896]);
    const [light, a, b] = cieLab([255, 255, 255]);
    expect(light).toBe(65535);
    expect([a, b].every((each) => Math.abs(each - 32896) < 10)).toBe(true);
    // sRGB's red: L* 53.24, a* 80.09, b* 67.20.
    const red = cieLab([255, 0, 0]);
    expect(red[0]).toBeCloseTo((53.24 * 65535) / 100, -2);
    expect(red[1]).toBeCloseTo((80.09 + 128) * 257, -2);
    expect(red[2]).toBeCloseTo((67.2 + 128) * 257, -2);
  });
});

describe("names of regions of interest", () => {
  it("stay where their first 16 characters differ", () => {
    expect(roiNames(["liver", "kidney_left", "kidney_right"])).toEqual([
      "liver",
      "kidney_left",
      "kidney_right",
    ]);
  });

  it("differ in their first 16 characters: sides go first, else numbers do", () => {
    const organs = ["temporomandibular_joint_left", "temporomandibular_joint_right"];
    expect(roiNames(organs)).toEqual([
      "left_temporomandibular_joint",
      "right_temporomandibular_joint",
    ]);
    expect(roiNames(["superior mesenteric artery", "superior mesenteric vein"])).toEqual([
      "1_superior mesenteric artery",
      "2_superior mesenteric vein",
    ]);
    const many = roiNames(["x".repeat(70), "x".repeat(80), "1_x", ""]);
    expect(new Set(many.map((name) => name.slice(0, 16))).size).toBe(4);
    expect(many.every((name) => name.length > 0 && name.length <= 64)).toBe(true);
  });
});
