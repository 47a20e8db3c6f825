import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildSmall, expectRefusal, medlam, run, scan, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-localize-"));
const at = (...path: string[]) => join(folder, ...path);
afterAll(() => rmSync(folder, { recursive: true }));

const models = ["-t", at("t.safetensors"), "--medlam", medlam, "--scales", "none"];

beforeAll(async () => {
  await succeed(...buildSmall(at("t.safetensors")));
  for (const path of ["scans", "empty"]) mkdirSync(at(path));
  for (const name of ["a", "b", "c"]) symlinkSync(scan, at("scans", `${name}.nii.gz`));
});

it("localize works through shards, passes over what is there, and reports", async () => {
  const args = ["localize", at("scans"), ...models, "-o", `${at("out")}/`];
  await succeed(...args, "--num-parts", "2", "--part-id", "0");
  expect(readdirSync(at("out"))).toEqual(["a.json", "c.json"]);
  const before = statSync(at("out", "a.json")).mtimeMs;
  const report = at("report.json");
  const { stderr } = await succeed(...args, "--skip-existing", "--report", report);
  expect(stderr).toContain("a.json is there, passed over");
  expect(statSync(at("out", "a.json")).mtimeMs).toBe(before);
  const { cases, models: used } = JSON.parse(readFileSync(report, "utf8"));
  expect(cases).toMatchObject([
    { name: "a", status: "skipped" },
    { name: "b", status: "done", counts: { organs: 1 } },
    { name: "c", status: "skipped" },
  ]);
  expect(used).toMatchObject({ templates: at("t.safetensors") });
  const [b, c] = ["b", "c"].map((name) =>
    JSON.parse(readFileSync(at("out", `${name}.json`), "utf8")),
  );
  expect(b.organs).toEqual(c.organs);
  expectRefusal(await run("localize", scan, ...models, "--skip-existing"), 2, "-o");
});

it("an empty folder is bad input everywhere", async () => {
  const empty = at("empty");
  expectRefusal(await run("localize", empty, ...models, "-q"), 3, "no scan in this folder");
  const build = ["template", "build", empty, "--labels", empty, "--medlam", medlam];
  expectRefusal(
    await run(...build, "-o", at("none.safetensors"), "-q"),
    3,
    "no scan in this folder",
  );
  const evaluate = await run("evaluate", "--predictions", empty, "--truth", empty);
  expectRefusal(evaluate, 3, "holds no case");
});

it("lists may have comments in every command", async () => {
  const truth = at("truth.txt");
  const labels = scan.replace("q.nii.gz", "q_label.nii.gz");
  writeFileSync(truth, `# truth\n\n${labels}\n`);
  const args = ["--predictions", truth, "--truth", truth, "--format", "json"];
  const { stdout } = await succeed("evaluate", ...args);
  expect(JSON.parse(stdout).cases).toHaveLength(1);
});

it("a folder for the published results that cannot be made is told as such", async () => {
  writeFileSync(at("file"), "");
  const config = at("test_config.txt");
  const lists = ["support_image", "query_image"].map((key) => `${key}_ls = ${at("images.txt")}`);
  const labels = ["support_label", "query_label"].map((key) => `${key}_ls = ${at("labels.txt")}`);
  writeFileSync(at("images.txt"), scan);
  writeFileSync(at("labels.txt"), scan.replace("q.nii.gz", "q_label.nii.gz"));
  const data = [...lists, ...labels, "fg_class = [1]", "bbox_mode = WPL"];
  const sections = ["[data]", ...data, "[weight]", `medlam_load_path = ${medlam}`];
  writeFileSync(config, sections.join("\n"));
  for (const name of ["reproduce", "run"]) {
    const { code, stderr } = await run(name, config, "-o", at("file", "out"), "-q");
    expect(code).toBe(3);
    expect(stderr).toMatch(/file\/out: cannot be written: its folder is a file/);
  }
});
