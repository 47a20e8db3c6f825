import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RoiMarkups } from "../../lib/formats/roi-markups.js";
import type { Box } from "../../lib/geometry/box.js";
import type { Localization, OrganLocalization } from "../../lib/localization/result.js";
import { data, medlam, run, scan, succeed, supports } from "../support/command.js";
import { sharedTemplates } from "../support/shared-templates.js";

interface ConformanceRun {
  strategy: "WPL" | "SPL";
  scales: number[];
  query_centers_padded_zyx: number[][];
  boxes_zyx: Record<string, [Box["min"], Box["max"]][]>;
}

// Two of the five that test/conformance has: the command hands on what it is given.
const runs = Object.entries(
  JSON.parse(readFileSync(data("localize/boxes.json"), "utf8")) as Record<string, ConformanceRun>,
).filter(([name]) => ["WPL_12", "SPL_012"].includes(name));

const folder = mkdtempSync(join(tmpdir(), "medlsam-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const templates = { WPL: await sharedTemplates("wpl"), SPL: await sharedTemplates("spl") };
const localize = ["localize", "-t", templates.WPL, "--medlam", medlam, "-q"];
const read = (name: string) => JSON.parse(readFileSync(at(name), "utf8")) as unknown;

describe("medlsam localize", () => {
  it.each(runs)("finds the published method's boxes: %s", async (_, expected) => {
    const given = at("given.json");
    writeFileSync(given, JSON.stringify(expected.query_centers_padded_zyx));
    const { stdout } = await succeed(
      ...["localize", scan, "-q", "-t", templates[expected.strategy], "--medlam", medlam],
      ...["--scales", expected.scales.join(",") || "none"],
      ...["--query-centers", given, "--conventions", "reference"],
    );
    const found = JSON.parse(stdout) as Localization;
    const parts = Object.entries(found.organs).map(([name, organ]) => [
      name,
      organ.parts.map(({ min, max }) => [min, max]),
    ]);
    expect(Object.fromEntries(parts)).toEqual(expected.boxes_zyx);
    expect(found).toMatchObject({ version: 1, image: scan, shape: [110, 130, 150] });
  });

  it("writes nothing but JSON to standard output and says the rest on standard error", async () => {
    const { stdout, stderr } = await succeed("localize", scan, ...localize.slice(1, -1));
    const { organs, timing } = JSON.parse(stdout) as Localization;
    expect(Object.keys(organs)).toEqual(["1", "2", "3", "5", "6"]);
    expect(timing.read).toBeGreaterThan(0);
    expect(timing.total).toBeGreaterThan(timing.read);
    expect(stderr).toContain(`${scan}: search\n`);
    expect(stderr).toMatch(/q\.nii\.gz: none of the 5 organs is in this scan, [\d.]+ s\n$/);
  });

  it("repeats itself for a seed, and draws other centres for another", async () => {
    const boxes = async (...args: string[]) => {
      const { stdout, stderr } = await succeed(...localize, scan, "--scales", "none", ...args);
      expect(stderr).toBe("");
      return (JSON.parse(stdout) as Localization).organs;
    };
    const first = await boxes("--seed", "7", "--threads", "1");
    expect(await boxes("--seed", "7")).toEqual(first);
    expect(await boxes("--seed", "8")).not.toEqual(first);
  });

  it("looks for chosen organs only, and calls those absent that score too low", async () => {
    const args = ["--roi-subset", "3, 1", "--min-score", "1", "--scales", "0"];
    const { stdout } = await succeed(...localize, scan, ...args);
    const { organs } = JSON.parse(stdout) as Localization;
    expect(Object.keys(organs)).toEqual(["1", "3"]);
    expect(organs["1"]).toMatchObject({ label: 1, present: false, box: expect.anything() });
  });

  it("writes a file, and the markups beside it that show the same boxes", async () => {
    // This seed's centres place an organ of the random network inside the scan.
    const args = [data("ct/a.nii.gz"), "--scales", "none", "--seed", "1"];
    await succeed(...localize, ...args, "-o", at("result.json"), "--markups");
    const { organs } = read("result.json") as Localization;
    const { markups } = read("result.mrk.json") as RoiMarkups;
    const present = Object.entries(organs).filter(([, organ]) => organ.present);
    expect(markups.map(({ name }) => name)).toEqual(present.map(([name]) => name));
    expect(markups.length).toBeGreaterThan(0);
    for (const { name, center, size } of markups) {
      const { min, max } = (organs[name] as OrganLocalization).physicalBox;
      for (const axis of [0, 1, 2] as const) {
        expect(center[axis] - size[axis] / 2).toBeCloseTo(min[axis], 3);
        expect(center[axis] + size[axis] / 2).toBeCloseTo(max[axis], 3);
      }
    }
  });

  it("writes one file per image into a folder, the good ones when one fails", async () => {
    writeFileSync(at("broken.nii.gz"), "not a scan");
    cpSync(data("ct/a.nii.gz"), at("a.nii.gz"));
    const args = [at("a.nii.gz"), at("broken.nii.gz"), scan, "--scales", "none"];
    const { code, stdout, stderr } = await run(...localize, ...args, "-o", at("all"), "--markups");
    expect(code).toBe(4);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr.startsWith(`medlsam: ${at("broken.nii.gz")}: `)).toBe(true);
    expect(readdirSync(at("all")).sort()).toEqual(["a.json", "a.mrk.json", "q.json", "q.mrk.json"]);
    expect(read("all/q.json")).toMatchObject({ image: scan });
  });

  it("writes one line per image to standard output", async () => {
    const { stdout } = await succeed(...localize, data("ct/a.nii.gz"), scan, "--scales", "none");
    const images = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as Localization).image);
    expect(images).toEqual([data("ct/a.nii.gz"), scan]);
  });
});

describe("medlsam template", () => {
  it("shows what is in a file", async () => {
    const { stdout } = await succeed("template", "show", templates.SPL);
    expect(stdout).toContain("spl (Sub-Patch Localization, parts of 2 grid slices or more)");
    expect(stdout).toContain("a.nii.gz, b.nii.gz");
    expect(stdout).toMatch(/organ +label +parts +supports +agreement\n +1 +1 +6 +2 +[\d.]+\n/);
    const shown = JSON.parse((await succeed("template", "show", "--json", templates.WPL)).stdout);
    expect(shown).toMatchObject({
      strategy: "wpl",
      sliceInterval: null,
      conventions: "reference",
      network: { width: 2, patch: 64 },
      supports: ["a.nii.gz", "b.nii.gz"],
      points: 30,
    });
    expect(shown.organs).toHaveLength(5);
  });

  it("takes names from a file", async () => {
    writeFileSync(at("names.json"), JSON.stringify({ liver: 1, spleen: 2 }));
    const args = ["--medlam", medlam, "--classes", "2,1,3", "--names", at("names.json")];
    const { stderr } = await succeed("template", "build", ...supports, ...args, "-o", at("named"));
    expect(stderr).toMatch(/named: 3 organs from 2 supports, 18 points, [\d.]+ s\n$/);
    const shown = JSON.parse((await succeed("template", "show", "--json", at("named"))).stdout);
    expect(shown.organs.map(({ name }: { name: string }) => name)).toEqual([
      "spleen",
      "liver",
      "3",
    ]);
  });

  it("builds from extreme points, in Slicer's format and in plain JSON, without a label map", async () => {
    const middle = await middleOf(data("ct/a.nii.gz"));
    const points = [0, 1, 2].flatMap((axis) =>
      [-20, 20].map((step) => middle.map((value, other) => value + (other === axis ? step : 0))),
    );
    const controlPoints = points.map((position) => ({ position, positionStatus: "defined" }));
    mkdirSync(at("points"));
    writeFileSync(
      at("points/kidney.mrk.json"),
      JSON.stringify({ markups: [{ type: "Fiducial", coordinateSystem: "LPS", controlPoints }] }),
    );
    writeFileSync(
      at("points/plain.json"),
      JSON.stringify({ version: 1, organs: { kidney: { label: 4, points } } }),
    );
    const build = (file: string, output: string) =>
      succeed(
        ...["template", "build", data("ct/a.nii.gz"), "--medlam", medlam],
        ...["--extreme-points", at(file), "-o", at(output)],
      );
    await build("points/kidney.mrk.json", "slicer");
    await build("points/plain.json", "plain");
    const organs = async (file: string) =>
      JSON.parse((await succeed("template", "show", "--json", at(file))).stdout).organs;
    expect(await organs("slicer")).toMatchObject([
      { name: "kidney", label: 1, parts: 1, supports: 1 },
    ]);
    expect(await organs("plain")).toMatchObject([
      { name: "kidney", label: 4, parts: 1, supports: 1 },
    ]);
    const args = ["-t", at("slicer"), "--medlam", medlam, "--scales", "none", "-q"];
    const result = await succeed("localize", scan, ...args);
    expect(Object.keys((JSON.parse(result.stdout) as Localization).organs)).toEqual(["kidney"]);
  });
});

/** LPS mm. */
async function middleOf(image: string): Promise<number[]> {
  const { Volume } = await import("../../lib/index.js");
  const { shape, affine } = await Volume.read(image);
  const voxel = [shape[2] / 2, shape[1] / 2, shape[0] / 2, 1];
  return [-1, -1, 1].map(
    (sign, row) =>
      sign * voxel.reduce((sum, value, k) => sum + value * (affine[4 * row + k] ?? 0), 0),
  );
}

describe("looking around", () => {
  it("lists the tensors of every kind of checkpoint", async () => {
    const { stdout } = await succeed("models", "inspect", medlam);
    expect(stdout).toContain("looks like: MedLAM");
    expect(stdout).toMatch(/conv0_1\.model\.conv1_1\.Conv\.weight +F32 +4 × 1 × 3 × 3 × 3\n/);
    const kinds = ["medlam_fp16.pth", "medlam_legacy.pth", "medlam_training.tar"].map(
      async (name) => {
        const shown = await succeed("models", "inspect", "--json", data(`medlam/${name}`));
        return JSON.parse(shown.stdout) as { looksLike: string; parameters: number };
      },
    );
    const whole = JSON.parse((await succeed("models", "inspect", "--json", medlam)).stdout);
    for (const found of await Promise.all(kinds)) {
      expect(found).toMatchObject({ looksLike: "MedLAM", parameters: whole.parameters });
    }
  });

  it("says versions, runtimes, devices and instruction sets", async () => {
    const { version } = JSON.parse(
      readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
    );
    const { stdout } = await succeed("info");
    expect(stdout).toMatch(new RegExp(`^medlsam: +${version}\n`));
    const shown = JSON.parse((await succeed("info", "--json")).stdout);
    expect(shown).toMatchObject({
      version,
      node: process.versions.node,
      devices: expect.arrayContaining(["cpu"]),
      simd: expect.stringMatching(/^(avx512|avx2|sse2|neon)$/),
      onnxRuntime: {
        version: expect.any(String),
        providers: expect.arrayContaining(["CPUExecutionProvider"]),
        devices: expect.arrayContaining(["cpu"]),
      },
      torch: expect.toSatisfy(
        (torch: object) => "error" in torch || ("devices" in torch && "version" in torch),
      ),
    });
    expect((await succeed("--version")).stdout).toBe(`${version}\n`);
  });

  it("documents its exit codes", async () => {
    for (const command of [["--help"], ["localize", "--help"], ["template", "build", "--help"]]) {
      expect((await succeed(...command)).stdout).toMatch(
        /Exit codes:\n +0 +done\n[\s\S]*130 +interrupted/,
      );
    }
  });
});
