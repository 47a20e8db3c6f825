/** The set of patients' models, on a phantom's head and where it does not belong; for as long as the package has it. */
import { copyFileSync, cpSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Checkpoint,
  type Localization,
  MedLam,
  type ModelFile,
  type ModelSet,
  makePhantom,
  modelSets,
  type OrganLocalization,
  Templates,
  Volume,
} from "../../lib/index.js";
import { copyPackage, expectRefusal, start, succeed } from "../support/command.js";
import { count, readJson, readMask } from "../support/segmentation.js";

const name = "head-neck";
const pelvisSlices = 30;
const shipped = modelSets().find((each) => each.name === name);

describe.runIf(shipped !== undefined)("the head-neck set", () => {
  const { note, organs, files } = shipped ?? ({ files: {} } as ModelSet);
  const folder = mkdtempSync(join(tmpdir(), "medlsam-head-neck-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const at = (...names: string[]) => join(folder, ...names);
  const scans = { head: at("head.nii.gz"), pelvis: at("pelvis.nii.gz") };

  beforeAll(async () => {
    const phantom = { seed: 30001, spacing: 4, axes: "LPS" };
    const head = await makePhantom({ ...phantom, region: "head" });
    await head.image.write(scans.head);
    // The lowest slices: cord and esophagus do reach into the rest.
    const { image } = await makePhantom({ ...phantom, region: "abdomen" });
    const [, rows, columns] = image.shape;
    const values = (await image.values()).slice(0, pelvisSlices * rows * columns);
    const shape: [number, number, number] = [pelvisSlices, rows, columns];
    const pelvis = await Volume.fromArray(Int16Array.from(values), { shape, affine: image.affine });
    await pelvis.write(scans.pelvis);
    for (const volume of [head.image, head.labels, image, pelvis]) volume.close();
  });

  it("says what it is for, and its files belong together", async () => {
    expect(note).toContain("research, head and neck CT, not for clinical use");
    expect(organs).toHaveLength(7);
    const network = await MedLam.load(files.medlam);
    for (const path of [files.templates, files.partTemplates as string]) {
      const templates = await Templates.open(path);
      expect(templates.organs.map((organ) => organ.name)).toEqual(organs);
      expect(templates.note).toBe(note);
      templates.requireNetwork(network);
    }
    for (const path of [files.medlam, files.sam]) {
      expect((await Checkpoint.open(path)).note).toBe(note);
    }
  });

  it.each(["wpl", "spl"])("segments a head by %s, and its note is on the results", async (how) => {
    const output = at(how);
    const args = ["--models", name, "--strategy", how, "--survey", "--statistics"];
    const { stderr } = await succeed("segment", scans.head, ...args, "-o", output);
    expect(stderr).toContain(note);
    const boxes = readJson<Localization>(join(output, "head/boxes.json"));
    expect(boxes.note).toBe(note);
    expect(Object.keys(boxes.organs)).toEqual(organs);
    const parts = Object.values(boxes.organs).map((organ) => organ.parts.length);
    expect(Math.max(...parts) > 1).toBe(how === "spl");
    expect(Object.values(boxes.organs).filter(({ present }) => present).length).toBeGreaterThan(0);
    const path = how === "wpl" ? files.templates : (files.partTemplates as string);
    const { organs: known, minEvidence = Number.NaN } = await Templates.open(path);
    for (const organ of known) {
      const { score, margin, present } = boxes.organs[organ.name] as OrganLocalization;
      const evidence = Number(score) / Number(organ.agreement) + margin / 300;
      expect(present).toBe(margin >= 0 && evidence >= minEvidence);
    }
  });

  it("finds none of its organs in a pelvis, says so, and makes nothing up", async () => {
    const { stderr } = await succeed(
      ...["segment", scans.pelvis, "--models", name, "--survey", "-o", at("none")],
    );
    const told = `none of the 7 organs is in this scan (head-neck looks for ${organs.join(", ")}); the masks are empty`;
    expect(stderr).toContain(told);
    for (const organ of organs) {
      expect(count(await readMask(at("none/pelvis", `${organ}.nii.gz`)), 1)).toBe(0);
    }
  });

  describe("with a file that is not what was shipped", () => {
    let command = "";
    const copied = (path: string) => at("package/models", basename(path));
    const strategy = (key: ModelFile) => (key === "partTemplates" ? ["--strategy", "spl"] : []);
    const segment = (key: ModelFile) =>
      start(
        ["segment", scans.head, "--models", name, ...strategy(key), "-o", at("broken"), "-q"],
        "pipe",
        command,
      ).done;

    beforeAll(() => {
      command = copyPackage(at("package"));
      cpSync(join(files.medlam, ".."), at("package/models"), { recursive: true });
    });

    it.each(Object.entries(files) as [ModelFile, string][])(
      "%s: names the set, what is wrong and how to get it back",
      async (key, path) => {
        const repair = "Install medlsam again";
        const told = `The model set "${name}": ${copied(path)}`;
        rmSync(copied(path));
        expectRefusal(await segment(key), 3, `${told} is missing`, repair);
        copyFileSync(path, copied(path));
        truncateSync(copied(path), 1000);
        expectRefusal(await segment(key), 3, `${told} is damaged: 1000 bytes instead of`, repair);
        copyFileSync(path, copied(path));
      },
    );
  });
});
