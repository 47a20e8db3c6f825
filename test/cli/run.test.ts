import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { buildTemplates, evaluate, localize, MedLam, Volume } from "../../lib/index.js";
import { data, medlam, type Outcome, scan } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-published-"));
afterAll(() => rmSync(folder, { recursive: true }));
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const sam = data("sam/sam_tiny.pth");
const truth = data("ct/q_label.nii.gz");
const classes = [1, 3];

/** Runs in the folder, as paths in the lists and configs start there. */
function runIn(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder });
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    outcome.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    outcome.stderr += text;
  });
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ ...outcome, code }));
  });
}

function writeLists(queries: string[], labels: string[]): void {
  mkdirSync(join(folder, "lists"), { recursive: true });
  const write = (name: string, paths: string[]) =>
    writeFileSync(join(folder, "lists", name), `${paths.join("\n")}\n`);
  write("support_image.txt", [data("ct/a.nii.gz")]);
  write("support_label.txt", [data("ct/a_label.nii.gz")]);
  write("query_image.txt", queries);
  write("query_label.txt", labels);
}

function writeConfig(name: string, lines: string[], segmenter = true): string {
  const vit = ["", "[vit]", "net_type                = vit_b"];
  const text = [
    "[data]",
    ...["support_image", "support_label", "query_image", "query_label"].map(
      (list) => `${list}_ls      =  lists/${list}.txt`,
    ),
    "gt_slice_threshold    = 10",
    `fg_class              = [${classes.join(",")}]`,
    ...lines,
    ...(segmenter ? vit : []),
    "",
    "[weight]",
    `medlam_load_path   = ${medlam}`,
    ...(segmenter ? [`vit_load_path  = ${sam}`] : []),
  ].join("\n");
  writeFileSync(join(folder, name), text);
  return name;
}

const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");

describe("medlsam run", () => {
  it("localizes by a config without a segmentation network", async () => {
    writeLists([scan], [truth]);
    const lines = ["bbox_mode = WPL", "slice_interval = False", "feature_scale_ls = [feature0]"];
    const { code, stdout, stderr } = await runIn("run", writeConfig("test_lam.txt", lines, false));
    expect(code, stderr).toBe(0);
    const boxes = JSON.parse(read("result/json/iou_lam.txt"));

    const network = await MedLam.load(medlam);
    const supports = [{ image: data("ct/a.nii.gz"), labels: data("ct/a_label.nii.gz") }];
    const conventions = "reference" as const;
    const templates = await buildTemplates({ medlam: network, supports, classes, conventions });
    const found = await localize(scan, { medlam: network, templates, scales: [0], conventions });
    for (const label of classes) {
      const box = found.organs[label]?.box;
      expect(boxes[label][0][0]).toEqual([[box?.min, box?.max]]);
    }
    // The published code knows no absent organs.
    for (const organ of Object.values(found.organs)) organ.present = true;
    const { organs } = await evaluate({ boxes: found, truth });
    const text = (kind: string, value: (label: number) => number | null | undefined) =>
      classes
        .map((label) => `MedSAM ${kind} for class ${label}: ${value(label)?.toFixed(3)} +- 0.000\n`)
        .join("");
    expect(read("result/iou/lam.txt")).toBe(text("IOU", (label) => organs[label]?.iou));
    expect(read("result/wd/lam.txt")).toBe(text("WD", (label) => organs[label]?.wd));
    expect(stdout).toBe(read("result/iou/lam.txt") + read("result/wd/lam.txt"));
    expect(readdirSync(join(folder, "result")).sort()).toEqual(["iou", "json", "wd"]);
  });

  it.each(["WPL", "SPL"])("segments in %s, with masks and pictures", async (mode) => {
    writeLists([scan, "missing.nii.gz"], [truth, truth]);
    const lines = [
      `bbox_mode = ${mode}`,
      "slice_interval = 2",
      `seg_save_path = masks/${mode}`,
      `seg_png_save_path = png/${mode}`,
    ];
    const { code, stderr } = await runIn("run", writeConfig(`test_${mode}.txt`, lines), "-q");
    expect(code, stderr).toBe(4);
    expect(stderr).toContain("missing.nii.gz: there is no such file");

    const scores = JSON.parse(read(`result/json/dsc_${mode}.txt`));
    const distances = JSON.parse(read(`result/json/hd95_${mode}.txt`));
    for (const label of classes) {
      const mask = join(folder, `masks/${mode}/${mode}_q_0_cl${label}.nii.gz`);
      const volume = await Volume.read(mask);
      expect(volume.affine).toEqual((await Volume.read(truth)).affine);
      const { organs } = await evaluate({ prediction: { [label]: mask }, truth });
      const organ = organs[label];
      if (organ?.hd95 == null) {
        expect(scores[label]).toEqual([]);
        continue;
      }
      expect(scores[label][0]).toBeCloseTo(organ.dice ?? Number.NaN, 6);
      expect(distances[label]).toEqual([organ.hd95]);
      expect(read(`result/dsc/${mode}.txt`)).toContain(
        `DSC for class ${label}: ${scores[label][0].toFixed(3)} +- 0.000\n`,
      );
    }
    expect(Object.values(scores).flat().length).toBeGreaterThan(0);
    const pictures = readdirSync(join(folder, "png", mode));
    expect(pictures).toContain(mode === "WPL" ? "WPL_q_0_cl1.png" : "SPL_q_0_cl1_0.png");
  });

  it("refuses lists that do not pair, before any network runs", async () => {
    writeLists([scan, scan], [truth]);
    const config = writeConfig("test_bad.txt", ["bbox_mode = WPL", "seg_save_path = masks"]);
    const { code, stdout, stderr } = await runIn("run", config);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/^medlsam: .*query_label/);
  });

  it("refuses a truth of another geometry, and says so", async () => {
    writeLists([scan], [data("ct/a_label.nii.gz")]);
    const config = writeConfig("test_other.txt", ["bbox_mode = WPL"], false);
    const { code, stderr } = await runIn("run", config, "-q");
    expect(code).toBe(3);
    expect(stderr).toMatch(/affine/);
  });
});
