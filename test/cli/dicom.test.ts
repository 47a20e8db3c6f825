/** DICOM series wherever a scan is taken, and nothing of the patient in any output. */
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { casesOfSeries, listImages, listSeries, Volume } from "../../lib/index.js";
import { medlam, type Outcome, run, succeed } from "../support/command.js";
import { conformance } from "../support/data.js";
import { markers, plantSeries } from "../support/planted.js";
import { sam } from "../support/segmentation.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-dicom-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);
const series = (path: string) => conformance(`dicom/${path}`);
const base = series("syntax/explicit");
const bone = "2.25.73331026469688594247197282470050551624";

describe("medlsam series", () => {
  it("lists what --series chooses", async () => {
    const { stdout } = await succeed("series", series("folders/two-series"));
    expect(stdout).toMatch(/^ +3 +BONE +12 +84 × 96 +1\.805 × 2\.256 × 5 .* 2\.25\.7333/m);
    expect(stdout).toMatch(/^ +2 +STD BRAIN /m);
    const { stdout: json } = await succeed("series", series("folders/two-phases"), "--json");
    expect(JSON.parse(json)).toMatchObject([
      { uid: expect.stringMatching(/#1$/), shape: [12, 84, 96], phase: "AcquisitionNumber 1" },
      { uid: expect.stringMatching(/#2$/), spacing: [5, 2.255859375, 1.8046875] },
    ]);
  });

  it("refuses what is no DICOM", async () => {
    const { code, stderr } = await run("series", series("codes.json"));
    expect(code).toBe(3);
    expect(stderr).toContain("no DICOM file");
  });
});

describe("medlsam convert", () => {
  it("writes what was read, a tilted series with its shear", async () => {
    const output = at("tilt.nii.gz");
    const { stderr } = await succeed("convert", series("geometry/tilt"), "-o", output);
    expect(stderr).toContain("gantry tilt was 18.5 degrees");
    expect(stderr).toContain("(TILTED)");
    const [written, read] = await Promise.all([
      Volume.read(output),
      Volume.read(series("geometry/tilt")),
    ]);
    expect(await written.stored()).toEqual(await read.stored());
    for (const [i, value] of written.affine.entries())
      expect(value).toBeCloseTo(read.affine[i] as number, 4);
    const header = gunzipSync(readFileSync(output));
    expect([header.readInt16LE(252), header.readInt16LE(254)]).toEqual([0, 1]);
    written.close();
    read.close();
  });

  it("asks which series, and takes its number, description or UID", async () => {
    const image = series("folders/two-series");
    const { code, stderr } = await run("convert", image, "-o", at("no.nii"));
    expect(code).toBe(3);
    for (const text of ["BONE", "STD BRAIN", bone, "--series"]) expect(stderr).toContain(text);
    const { stdout } = await succeed("convert", image, "--series", "bone", "--info", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      shape: [12, 84, 96],
      dicom: { images: 12, tilt: 0 },
    });
  });

  it("interpolates missing slices when it may", async () => {
    const image = series("geometry/missing-slice");
    expect((await run("convert", image, "--info")).stderr).toContain("--resample-slices");
    const { stdout, stderr } = await succeed("convert", image, "--info", "--resample-slices");
    expect(stdout).toContain("96 × 84 × 12 voxels");
    expect(stderr).toContain("1 of the 12 slices were interpolated");
  });
});

describe("scans of a run", () => {
  it("are folders of DICOM, and with --all-series every series", async () => {
    expect(await listImages([base])).toEqual([base]);
    const two = series("folders/two-series");
    expect(await casesOfSeries([two, base])).toEqual([
      { name: "two-series-1", image: two, series: bone },
      { name: "two-series-2", image: two, series: (await listSeries(two))[1]?.uid },
      { name: "explicit", image: base },
    ]);
    expect((await casesOfSeries([series("folders/dicomdir/DICOMDIR")]))[0]?.name).toBe("dicomdir");
  });

  it("are localized from an archive", async () => {
    const templates = await sharedTemplates("small");
    const models = ["-t", templates, "--medlam", medlam];
    const image = series("folders/base.zip");
    const found = JSON.parse((await succeed("localize", image, ...models, "-q")).stdout);
    expect(found).toMatchObject({ image, shape: [12, 84, 96] });
    const all = ["--all-series", "-o", `${at("boxes")}/`, "--report", at("report.json"), "-q"];
    await succeed("localize", series("folders/two-series"), ...models, ...all);
    expect(readdirSync(at("boxes")).sort()).toEqual(["two-series-1.json", "two-series-2.json"]);
    // Series are named to whoever asks for them, not in files.
    const failed = ["-o", `${at("none")}/`, "--report", at("failed.json")];
    const { stderr } = await run("localize", series("folders/two-series"), ...models, ...failed);
    expect(stderr).toContain(bone);
    const report = readFileSync(at("failed.json"), "utf8");
    expect(report).toContain("holds 2 series");
    for (const text of ["BONE", "STD BRAIN", bone]) expect(report).not.toContain(text);
    const one = [...models, "--series", bone, "--report", at("one.json"), "-q"];
    await succeed("localize", series("folders/two-series"), ...one);
    expect(readFileSync(at("one.json"), "utf8")).not.toContain(bone);
  });

  it("that are tilted have a box for each slice", async () => {
    const models = ["-t", await sharedTemplates("small"), "--medlam", medlam];
    const { stdout } = await succeed("localize", series("geometry/tilt"), ...models, "-q");
    const { organs } = JSON.parse(stdout) as {
      organs: Record<
        string,
        { box: { min: number[]; max: number[] }; parts: { min: number[]; max: number[] }[] }
      >;
    };
    for (const { box, parts } of Object.values(organs)) {
      expect(parts.map(({ min }) => min[0])).toEqual(
        parts.map((_, k) => (box.min[0] as number) + k),
      );
      for (const { min, max } of parts) {
        expect(min[0]).toBe(max[0]);
        for (const axis of [1, 2])
          expect(min[axis]).toBeGreaterThanOrEqual(box.min[axis] as number);
      }
    }
  });
});

describe("nothing of the patient", () => {
  const image = at("planted");
  beforeAll(() => plantSeries(image));

  /** Every output with a marker in it, by name. */
  function leaks(outputs: Record<string, Buffer | string>): string[] {
    return Object.entries(outputs).flatMap(([name, content]) => {
      const bytes = Buffer.from(content);
      const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
      const text = plain.toString("latin1");
      const found = markers.filter((each) => text.includes(each));
      return found.length > 0 ? [`${name}: ${found.join(", ")}`] : [];
    });
  }

  function filesIn(path: string): Record<string, Buffer> {
    const names = readdirSync(path, { recursive: true, encoding: "utf8" });
    const files = names.filter((name) => statSync(join(path, name)).isFile());
    return Object.fromEntries(files.map((name) => [name, readFileSync(join(path, name))]));
  }

  const streams = ({ stdout, stderr }: Outcome) => ({ stdout, stderr });

  it("is planted in every attribute, and can be found", async () => {
    expect(leaks(filesIn(image))).toHaveLength(12);
    const volume = await Volume.read(image);
    const plain = await Volume.read(base);
    expect(await volume.stored()).toEqual(await plain.stored());
    volume.close();
    plain.close();
    expect(leaks(streams(await run("series", image)))).toEqual([expect.stringContaining("stdout")]);
  });

  it("is in the results, reports and lines of localize and convert", async () => {
    const models = ["-t", await sharedTemplates("small"), "--medlam", medlam];
    const output = at("localized");
    const files = ["-o", `${output}/`, "--markups", "--report", at("localized.json")];
    const outcomes = [
      await succeed("localize", image, ...models, ...files),
      await succeed("localize", image, ...models),
      await succeed("convert", image, "--info", "--json", "-o", at("planted.nii.gz")),
      await succeed("convert", image, "--info"),
    ];
    for (const outcome of outcomes) expect(leaks(streams(outcome))).toEqual([]);
    expect(Object.keys(filesIn(output))).toHaveLength(2);
    expect(leaks({ ...filesIn(output), report: readFileSync(at("localized.json")) })).toEqual([]);
    expect(leaks({ nifti: readFileSync(at("planted.nii.gz")) })).toEqual([]);
  });

  it("but its UIDs, where they are asked for", async () => {
    const models = ["-t", await sharedTemplates("small"), "--medlam", medlam];
    const { stdout } = await succeed("localize", image, ...models, "--dicom-uids", "-q");
    const { dicom } = JSON.parse(stdout);
    const uid = expect.stringContaining("770077");
    const names = ["studyInstanceUid", "seriesInstanceUid", "frameOfReferenceUid"];
    expect(dicom).toEqual({
      ...Object.fromEntries(names.map((name) => [name, uid])),
      sopInstanceUids: Array(12).fill(uid),
    });
    expect(new Set(dicom.sopInstanceUids).size).toBe(12);
    expect(leaks({ others: JSON.stringify({ ...JSON.parse(stdout), dicom: undefined }) })).toEqual(
      [],
    );
  });

  it("is in masks, statistics, pictures and pages of segment", async () => {
    const boxes = at("boxes-of-planted.json");
    const organs = { liver: { box: { min: [3, 20, 20], max: [4, 60, 70] } } };
    writeFileSync(boxes, JSON.stringify({ version: 1, shape: [12, 84, 96], organs }));
    const output = at("segmented");
    const outputs = ["--statistics", "--preview", "--page", "--report", at("segmented.json")];
    const outcome = await succeed(
      ...["segment", image, "--sam", sam, "--boxes", boxes, "-o", output, ...outputs],
    );
    expect(Object.keys(filesIn(output)).length).toBeGreaterThanOrEqual(5);
    expect(leaks({ ...filesIn(output), ...streams(outcome) })).toEqual([]);
    expect(leaks({ report: readFileSync(at("segmented.json")) })).toEqual([]);
  });

  it("is in what is said of series that cannot be read", async () => {
    const broken = (name: string, change: (path: string) => void) => {
      cpSync(image, at(name), { recursive: true });
      change(at(name));
      return at(name);
    };
    const cut = (path: string, bytes: number) => {
      const file = join(path, "04.dcm");
      writeFileSync(file, readFileSync(file).subarray(0, bytes));
    };
    const images = [
      broken("missing", (path) => rmSync(join(path, "04.dcm"))),
      broken("cut", (path) => cut(path, 9000)),
      broken("cut-header", (path) => cut(path, 700)),
      broken("copied", (path) => cpSync(join(path, "04.dcm"), join(path, "copy.dcm"))),
      broken("lone", (path) => {
        for (const name of readdirSync(path).slice(1)) rmSync(join(path, name));
      }),
    ];
    for (const each of images) {
      const outcome = await run("convert", each, "--info");
      expect(outcome.code).toBe(each.endsWith("copied") ? 0 : 3);
      expect(leaks(streams(outcome))).toEqual([]);
    }
  });
});
