import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  labelNamesFromXml,
  makePhantom,
  phantomNames,
  type Triple,
  UsageError,
  Volume,
} from "../../lib/index.js";
import { expectRefusal, run, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-phantom-"));
afterAll(() => rmSync(folder, { recursive: true }));

const phantom = (...args: string[]) => run("phantom", ...args, "-q");

describe("the command", () => {
  it("writes the scan and its named label map for each seed", async () => {
    const out = join(folder, "new/two");
    const { stdout, stderr } = await succeed(
      ...["phantom", "--seed", "7", "--count", "2", "-o", out, "--spacing", "6", "-q"],
    );
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
    expect(readdirSync(out).sort()).toEqual(
      ["7", "7_label", "8", "8_label"].map((name) => `phantom-${name}.nii.gz`),
    );
    const image = await Volume.read(join(out, "phantom-8.nii.gz"));
    const labels = await Volume.read(join(out, "phantom-8_label.nii.gz"));
    expect(image.dtype).toBe("I16");
    expect(labels.dtype).toBe("U8");
    expect(labels.shape).toEqual(image.shape);
    expect(labels.affine).toEqual(image.affine);
    expect(labelNamesFromXml(labels.labelXml ?? "")).toEqual(phantomNames());
    // What the API makes, to the bit.
    const made = await makePhantom({ seed: 8, spacing: 6 });
    expect(await image.stored()).toEqual(await made.image.stored());
    expect(await labels.stored()).toEqual(await made.labels.stored());
    expect([image.slope, image.intercept]).toEqual([made.image.slope, made.image.intercept]);
  });

  it("writes the same files with any number of threads", async () => {
    const files = [1, 3].map(async (threads) => {
      const out = join(folder, `threads-${threads}`);
      await succeed(
        ...["phantom", "--seed", "3", "-o", out, "--spacing", "6", "--threads", `${threads}`, "-q"],
      );
      return ["phantom-3.nii.gz", "phantom-3_label.nii.gz"].map((name) =>
        readFileSync(join(out, name)),
      );
    });
    const [one, three] = await Promise.all(files);
    expect(one).toEqual(three);
  });

  it("takes region, spacing and axes", async () => {
    const out = join(folder, "options");
    await succeed(
      ...["phantom", "--seed", "4", "-o", out, "--region", "head", "--spacing", "8,4,5"],
      ...["--axes", "pir", "-q"],
    );
    const image = await Volume.read(join(out, "phantom-4.nii.gz"));
    expect(image.axes).toBe("PIR");
    expect(image.spacing.map((mm) => Math.round(mm * 1000) / 1000)).toEqual([5, 8, 4]);
    const labels = await Volume.read(join(out, "phantom-4_label.nii.gz"));
    const found = new Set(Array.from(await labels.stored(), Number));
    const names = [...phantomNames()].filter(([label]) => found.has(label)).map(([, name]) => name);
    expect(names).toContain("brain");
    expect(names).not.toContain("liver");
  });

  it("makes phantoms more like patients, all of it or in parts", async () => {
    const stored = async (...args: string[]) => {
      const out = join(folder, `realism-${args.join("-")}`);
      const common = ["--seed", "9", "-o", out, "--region", "abdomen", "--spacing", "8", "-q"];
      await succeed("phantom", ...common, ...args);
      const files = ["phantom-9.nii.gz", "phantom-9_label.nii.gz"];
      const [image, labels] = await Promise.all(files.map((file) => Volume.read(join(out, file))));
      if (image === undefined || labels === undefined) throw new Error("nothing was written");
      return [await image.stored(), await labels.stored()];
    };
    const plain = await stored();
    const tissue = await stored("--realism", "tissue");
    expect(tissue[0]).not.toEqual(plain[0]);
    expect(tissue[1]).toEqual(plain[1]);
    const all = await stored("--realism", "all");
    expect(all).not.toEqual(tissue);
    expect(await stored("--realism", "scanner,tissue,pose")).toEqual(all);
  });

  it("leaves out what is there with --skip-existing", async () => {
    const out = join(folder, "skip");
    const args = ["phantom", "--seed", "1", "-o", out, "--spacing", "8", "-q"];
    await succeed(...args);
    const image = join(out, "phantom-1.nii.gz");
    const whole = readFileSync(image);
    writeFileSync(image, "kept");
    await succeed(...args, "--skip-existing");
    expect(readFileSync(image, "utf8")).toBe("kept");
    rmSync(join(out, "phantom-1_label.nii.gz"));
    await succeed(...args, "--skip-existing");
    expect(readFileSync(image)).toEqual(whole);
    expect(existsSync(join(out, "phantom-1_label.nii.gz"))).toBe(true);
  });

  it.each([
    [["-o", folder], "required option '--seed"],
    [["--seed", "1"], "required option '-o"],
    [["--seed", "-1", "-o", folder], "whole number"],
    [["--seed", "4294967296", "-o", folder], "whole number"],
    [["--seed", "4294967295", "--count", "2", "-o", folder], "seeds end at"],
    [["--seed", "1", "--count", "0", "-o", folder], "whole number"],
    [["--seed", "1", "-o", folder, "--region", "foot"], "auto, whole"],
    [["--seed", "1", "-o", folder, "--spacing", "0"], "0.5 to 10"],
    [["--seed", "1", "-o", folder, "--spacing", "1,2"], "or three"],
    [["--seed", "1", "-o", folder, "--axes", "LLS"], "one letter of each pair"],
    [["--seed", "1", "-o", folder, "--region", "whole", "--spacing", "0.5"], "coarser spacing"],
    [["--seed", "1", "-o", folder, "--realism", "foot"], "pose,tissue,scanner"],
    [["--seed", "1", "-o", folder, "--realism", "pose,pose"], "each once"],
    [["--seed", "1", "-o", folder, "--realism", "pose,"], "or all"],
  ])("refuses %j", async (args, told) => {
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await phantom(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(told);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("refuses a folder that is a file", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "kept");
    expectRefusal(await phantom("--seed", "1", "-o", path), 2, "is a file");
    expectRefusal(await phantom("--seed", "1", "-o", join(path, "in")), 3, "cannot be written");
    expect(readFileSync(path, "utf8")).toBe("kept");
  });
});

describe("makePhantom", () => {
  it("says what it made", async () => {
    const { about, names, image, labels } = await makePhantom({
      seed: 1,
      region: "abdomen",
      spacing: [8, 6, 6],
      axes: "RAS",
    });
    expect(about.region).toBe("abdomen");
    expect(about.stature).toBeGreaterThan(1400);
    expect(names.size).toBe(22);
    expect(image.axes).toBe("RAS");
    const found = new Set(Array.from(await labels.stored(), Number));
    for (const [label, name] of names) {
      if (about.missing.includes(name)) expect(found.has(label), name).toBe(false);
    }
    const hu = await image.values();
    const [air, bone] = [hu.reduce((a, b) => Math.min(a, b)), hu.reduce((a, b) => Math.max(a, b))];
    expect(air).toBeLessThan(-950);
    expect(bone).toBeGreaterThan(400);
  });

  it("refuses wrong options", async () => {
    const wrong = [
      { seed: 0.5 },
      { seed: -1 },
      { seed: 1, region: "foot" as "head" },
      { seed: 1, spacing: 0.1 },
      { seed: 1, spacing: [1, 2] as unknown as Triple },
      { seed: 1, axes: "LPX" },
      { seed: 1, realism: ["foot" as "pose"] },
      { seed: 1, threads: 0 },
    ];
    for (const options of wrong)
      await expect(makePhantom(options)).rejects.toBeInstanceOf(UsageError);
  });

  it("stops when told to", async () => {
    const controller = new AbortController();
    const making = makePhantom({
      seed: 1,
      region: "whole",
      spacing: 2,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(making).rejects.toMatchObject({ code: "ABORTED" });
  });
});
