import { describe, expect, it } from "vitest";
import { native } from "../../lib/addon/loader.js";
import { isScan, scanExtensions, stemOf } from "../../lib/formats/scan-names.js";

describe("names of scans", () => {
  it("end as the addon's table of formats says", () => {
    const extensions = native.volumeFormats().flatMap((format) => format.extensions);
    expect(scanExtensions).toEqual(extensions);
  });

  it("are recognized in any case, and cut to their stems", () => {
    for (const name of ["a.nii", "a.nii.gz", "a.NII.GZ", "a.nrrd", "a.mhd", "a.hdr"]) {
      expect(isScan(name), name).toBe(true);
      expect(stemOf(`folder/${name}`)).toBe("a");
    }
    for (const name of ["a.nii.gz.part", "anii", "a.json", "a_nii.gz", "a.img", "a.raw.gz"]) {
      expect(isScan(name), name).toBe(false);
    }
    expect(stemOf("a.json")).toBe("a");
    expect(stemOf("a.nii.txt")).toBe("a.nii.txt");
  });
});
