import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Box, readBoxes, readPoints, roiMarkups, Volume } from "../../lib/index.js";
import { data, expectRefusal, medlam, run, scan, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-prompts-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...path: string[]) => join(folder, ...path);
const sam = data("sam/sam_tiny.pth");
const volume = await Volume.read(scan);
const box: Box = { min: [20, 30, 40], max: [35, 60, 80] };

function write(name: string, content: object): string {
  writeFileSync(at(name), JSON.stringify(content));
  return at(name);
}
const boxesFile = (name: string, organs: object, shape = volume.shape) =>
  write(name, { version: 1, image: "", shape, organs });
const segment = (...args: string[]) => run("segment", scan, "--sam", sam, "-o", at("out"), ...args);

/** The LPS mm of a stored voxel (z, y, x). */
function lps([z, y, x]: readonly number[]): number[] {
  const row = (r: number) =>
    [x, y, z, 1].reduce<number>(
      (total, v, c) => total + (volume.affine[4 * r + c] as number) * (v as number),
      0,
    );
  return [-row(0), -row(1), row(2)];
}
const points = (name: string, voxels: number[][]) => ({
  type: "Fiducial",
  name,
  coordinateSystem: "LPS",
  controlPoints: voxels.map((voxel) => ({ position: lps(voxel), positionStatus: "defined" })),
});

describe("boxes", () => {
  it("come back from Slicer's ROIs as they were", async () => {
    const markups = roiMarkups({ organs: { liver: { label: 4, box } } }, volume);
    const found = await readBoxes(write("roi.mrk.json", markups), volume);
    expect(found).toEqual({ liver: { box } });
  });

  it("of each scan are found in a folder", async () => {
    copyFileSync(scan, at("q.nii.gz"));
    copyFileSync(scan, at("r.nii.gz"));
    boxesFile("q.json", { liver: { label: 1, box } });
    const args = ["--boxes", folder, "--sam", sam, "-o", at("both"), "-q"];
    const { code, stderr } = await run("segment", at("q.nii.gz"), at("r.nii.gz"), ...args);
    expect(code).toBe(4);
    expect(stderr).toMatch(/r\.nii\.gz: .*holds none of r\.json/);
    expect(readdirSync(at("both"))).toEqual(["q"]);
  });

  const cases: [string, object, RegExp][] = [
    ["upside down", { min: [35, 30, 40], max: [20, 60, 80] }, /upside down/],
    ["outside", { min: [200, 30, 40], max: [220, 60, 80] }, /"liver".*outside .*q\.nii\.gz/],
    ["not of voxels", { min: [1.5, 30, 40], max: [35, 60, 80] }, /whole number of voxels/],
  ];
  it.each(cases)("that are %s are refused", async (_, wrong, told) => {
    const file = boxesFile("wrong.json", { liver: { label: 1, box: wrong } });
    expectRefusal(await segment("--boxes", file, "-q"), 3, told);
    expect(readdirSync(at("out"))).toEqual([]);
  });

  it("of parts outside the scan prompt nothing", async () => {
    const outside = { min: [200, 30, 40], max: [220, 60, 80] };
    const file = boxesFile("parts.json", { liver: { label: 1, box, parts: [box, outside] } });
    const found = await readBoxes(file, volume);
    expect(found).toEqual({ liver: { label: 1, box, parts: [box, outside] } });
    const only = boxesFile("only.json", { liver: { label: 1, box, parts: [outside] } });
    await expect(readBoxes(only, volume)).rejects.toThrow(/"liver".*outside .*q\.nii\.gz/);
  });

  it("of another scan, empty ROIs and files without boxes are refused", async () => {
    const other = boxesFile("other.json", { liver: { label: 1, box } }, [1, 2, 3]);
    expectRefusal(await segment("--boxes", other, "-q"), 3, /\[1,2,3\] voxels.*\[110,130,150\]/);
    const roi = { type: "ROI", name: "liver", center: [0, 0, 0], size: [10, 0, 10] };
    const empty = write("empty.mrk.json", { markups: [roi] });
    expectRefusal(await segment("--boxes", empty, "-q"), 3, /empty: its size is \[10,0,10\] mm/);
    const none = write("none.json", { version: 1, shape: volume.shape, organs: {} });
    expectRefusal(await segment("--boxes", none, "-q"), 3, "holds no box");
  });

  it("of organs whose names lead elsewhere stay in the folder", async () => {
    const hostile = { label: 1, box };
    const organs = { "../up": hostile, "/etc/x": { ...hostile, label: 2 }, ".": { box } };
    const file = boxesFile("hostile.json", organs);
    await succeed("segment", scan, "--boxes", file, "--sam", sam, "-o", at("hostile"));
    expect(readdirSync(at("hostile"))).toEqual(["q"]);
    expect(readdirSync(at("hostile", "q")).sort()).toEqual(
      ["_.nii.gz", "__up.nii.gz", "_etc_x.nii.gz", "boxes.json"].sort(),
    );
    const twins = boxesFile("twins.json", { "a/b": { box }, "a:b": { box } });
    expectRefusal(await segment("--boxes", twins, "-q"), 2, /both be written to a_b\.nii\.gz/);
  });
});

describe("points", () => {
  it("prompt their own slices, from Slicer's lists and from JSON alike", async () => {
    const slicer = write("points.mrk.json", {
      markups: [
        points("liver", [
          [30, 50, 60],
          [32, 50, 60],
        ]),
        points("liver background", [[30, 20, 20]]),
      ],
    });
    const plain = write("points.json", {
      version: 1,
      organs: {
        liver: { points: [lps([30, 50, 60]), lps([32, 50, 60])], background: [lps([30, 20, 20])] },
      },
    });
    const wanted = [
      { voxel: [30, 50, 60], foreground: true },
      { voxel: [32, 50, 60], foreground: true },
      { voxel: [30, 20, 20], foreground: false },
    ];
    for (const file of [slicer, plain]) {
      expect(await readPoints(file, volume)).toEqual({ liver: { points: wanted } });
    }
    const report = at("points-report.json");
    const args = ["--sam", sam, "-o", at("points"), "--report", report];
    await succeed("segment", scan, "--points", slicer, ...args);
    expect(JSON.parse(readFileSync(report, "utf8")).cases[0].counts.encoderRuns).toBe(2);
    const mask = await (await Volume.read(at("points", "q", "liver.nii.gz"))).stored();
    const slices = new Set<number>();
    for (let i = 0; i < mask.length; i++) if (mask[i]) slices.add(Math.floor(i / (130 * 150)));
    expect([...slices].filter((z) => z !== 30 && z !== 32)).toEqual([]);
  });

  it("change what a box gives", async () => {
    const boxes = boxesFile("box.json", { liver: { label: 7, box } });
    const file = write("with.mrk.json", { markups: [points("liver", [[30, 50, 60]])] });
    const args = ["--sam", sam, "-q", "--boxes", boxes];
    await succeed("segment", scan, ...args, "-o", at("box"));
    await succeed("segment", scan, ...args, "--points", file, "-o", at("box-points"));
    const slice = async (run: string, z: number) =>
      ((await (await Volume.read(at(run, "q", "liver.nii.gz"))).stored()) as Uint8Array).slice(
        z * 130 * 150,
        (z + 1) * 130 * 150,
      );
    expect(await slice("box-points", 29)).toEqual(await slice("box", 29));
    expect(await slice("box-points", 30)).not.toEqual(await slice("box", 30));
  });

  it("outside the scan, or of the background alone, are refused", async () => {
    const far = write("far.mrk.json", { markups: [points("liver", [[500, 50, 60]])] });
    expectRefusal(await segment("--points", far, "-q"), 3, /"liver": the point .* lies outside/);
    const back = write("back.mrk.json", { markups: [points("liver background", [[3, 5, 6]])] });
    expectRefusal(await segment("--points", back, "-q"), 3, /has no point that lies in it/);
  });
});

describe("wrong use", () => {
  const file = boxesFile("good.json", { liver: { label: 1, box } });

  it("of flags is told", async () => {
    expectRefusal(await segment("-q"), 2, "Say where the organs are");
    expectRefusal(await segment("-t", "t", "--medlam", "m", "--boxes", file), 2, "Give either");
    expectRefusal(await segment("-t", "t"), 2, "--medlam FILE");
    expectRefusal(await segment("--boxes", file, "--part-id", "1"), 2, "--num-parts");
    expectRefusal(await segment("--boxes", file, "--roi-subset", "spleen", "-q"), 2, "liver");
    const two = await run(
      "segment",
      scan,
      data("ct/a.nii.gz"),
      "--boxes",
      file,
      "--sam",
      sam,
      "-o",
      at("x"),
    );
    expectRefusal(two, 2, "one file for 2 scans");
  });

  it("of another model's checkpoint is told, either way", async () => {
    const [boxes, out] = [
      ["--boxes", file],
      ["-o", at("x")],
    ];
    const isMedlam = await run("segment", scan, ...boxes, "--sam", medlam, ...out);
    expectRefusal(isMedlam, 3, "not a SAM checkpoint", "looks like a MedLAM checkpoint");
    const isSam = await run("localize", scan, "-t", at("missing"), "--medlam", sam);
    expect(isSam.code).toBe(3);
    copyFileSync(sam, at("other.pth"));
    write("other.json", { heads: 4, window: 7, glob: [1, 3] });
    const contradicted = await run("segment", scan, ...boxes, "--sam", at("other.pth"), ...out);
    expectRefusal(contradicted, 3, "the JSON beside it says heads 4, its tensors 3");
  });
});
