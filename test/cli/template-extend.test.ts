/** `medlsam template add`, `merge` and `convert`. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePhantom } from "../../lib/index.js";
import { data, expectRefusal, medlam, run, scan, succeed } from "../support/command.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-template-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const bytes = (name: string) => readFileSync(at(name));

const scans = (...names: string[]) => [
  ...names.map((name) => data(`ct/${name}.nii.gz`)),
  "--labels",
  ...names.map((name) => data(`ct/${name}_label.nii.gz`)),
];
const network = ["--medlam", medlam, "-q"];
const build = (output: string, ...args: string[]) =>
  succeed("template", "build", ...args, ...network, "-o", at(output));
const add = (file: string, ...args: string[]) =>
  run("template", "add", at(file), ...args, ...network);

interface Inspected {
  kernels: string;
  supports: string[];
  points: number;
  organs: { name: string; label: number; supports: number; parts: number; agreement: number }[];
}
async function inspect(name: string): Promise<Inspected> {
  const { stdout } = await succeed("template", "inspect", at(name), "--json");
  return JSON.parse(stdout) as Inspected;
}

beforeAll(async () => {
  await build("one", ...scans("a", "b"), "--classes", "1", "--survey");
  await build("other", ...scans("a", "b"), "--classes", "2", "--survey");
  await build("both", ...scans("a", "b"), "--classes", "1,2", "--survey");
  await build("unsurveyed", ...scans("a"), "--classes", "2");
});

describe("template add", () => {
  it("adds an organ with the bytes of a build of everything at once", async () => {
    const added = await add("one", ...scans("a", "b"), "--classes", "2", "-o", at("added"));
    expect(added).toMatchObject({ code: 0, stdout: "" });
    expect(bytes("added").equals(bytes("both"))).toBe(true);
  });

  it("adds to the file itself where no other is named", async () => {
    writeFileSync(at("grown"), bytes("one"));
    expect(await add("grown", ...scans("a", "b"), "--classes", "2")).toMatchObject({ code: 0 });
    expect(bytes("grown").equals(bytes("both"))).toBe(true);
  });

  it("does the same with organs in parts, which the file's slices cut", async () => {
    const how = ["--strategy", "spl", "--slice-interval", "4"];
    await build("parts", ...scans("a"), "--classes", "2", ...how);
    await build("more-parts", ...scans("a"), "--classes", "2,6", ...how);
    await add("parts", ...scans("a"), "--classes", "6", "-o", at("added-parts"));
    expect(bytes("added-parts").equals(bytes("more-parts"))).toBe(true);
  });

  it("adds supports to an organ: its points are those of a build, within what the file rounds", async () => {
    await build("a", ...scans("a"), "--classes", "1,2", "--survey");
    const more = ["--classes", "1", "--more-supports", "-o", at("more")];
    expect(await add("a", ...scans("b"), ...more)).toMatchObject({ code: 0 });
    const [more1, more2] = (await inspect("more")).organs;
    const [both1] = (await inspect("both")).organs;
    const [, alone2] = (await inspect("a")).organs;
    expect((await inspect("more")).supports).toEqual(["a.nii.gz", "b.nii.gz"]);
    expect(more1?.supports).toBe(2);
    expect(more1?.agreement).toBeCloseTo(both1?.agreement as number, 3);
    expect(more2).toEqual(alone2);
    const boxes = async (file: string) => {
      const { stdout } = await succeed(
        ...["localize", scan, "-t", at(file), ...network, "--survey", "--roi-subset", "1"],
      );
      return JSON.parse(stdout).organs["1"];
    };
    const [is, should] = [await boxes("more"), await boxes("both")];
    expect(is.box).toEqual(should.box);
    expect(is.score).toBeCloseTo(should.score, 3);
  });

  it("adds an organ from six points, and gives it a free label", async () => {
    const points = [
      ...[
        [-30, 0, 0],
        [30, 0, 0],
        [0, -30, 0],
      ],
      ...[
        [0, 30, 0],
        [0, 0, -20],
        [0, 0, 20],
      ],
    ];
    writeFileSync(at("points.json"), JSON.stringify({ version: 1, organs: { cyst: { points } } }));
    const given = [data("ct/a.nii.gz"), "--extreme-points", at("points.json")];
    expect(await add("one", ...given, "-o", at("cyst"))).toMatchObject({ code: 0 });
    const { organs } = await inspect("cyst");
    expect(organs.map(({ name, label }) => [name, label])).toEqual([
      ["1", 1],
      ["cyst", 2],
    ]);
    await build("parted", ...scans("a"), "--classes", "2", "--strategy", "spl");
    expectRefusal(await add("parted", ...given), 2, /spl\), which needs six points for each part/);
    const parts = { version: 1, organs: { cyst: { parts: [points, points] } } };
    writeFileSync(at("parts.json"), JSON.stringify(parts));
    expectRefusal(
      await add("one", data("ct/a.nii.gz"), "--extreme-points", at("parts.json")),
      ...[2, at("one"), /"cyst" has points by parts/],
    );
  });

  it("gives another label to an organ whose label is taken", async () => {
    writeFileSync(at("names.json"), JSON.stringify({ 1: "first", 2: "second" }));
    const named = ["--classes", "1", "--names", at("names.json"), "-o", at("renumbered")];
    expect(await add("both", ...scans("a"), ...named)).toMatchObject({ code: 0 });
    const { organs } = await inspect("renumbered");
    expect(organs.map(({ name, label }) => [name, label])).toEqual([
      ["1", 1],
      ["2", 2],
      ["first", 3],
    ]);
  });

  it("refuses a taken name, an unknown one, another network and another geometry", async () => {
    const before = bytes("one");
    const taken = await add("one", ...scans("a"), "--classes", "1,2");
    expectRefusal(taken, 2, at("one"), 'has "1" already', "--more-supports");
    const unknown = await add("one", ...scans("a"), "--classes", "2", "--more-supports");
    expectRefusal(unknown, 2, at("one"), 'has no "2"', "It has 1.");
    const phantom = await makePhantom({ seed: 1, region: "head", spacing: 6 });
    await phantom.image.write(at("phantom.nii.gz"));
    const moved = [at("phantom.nii.gz"), "--labels", data("ct/a_label.nii.gz"), "--classes", "2"];
    expectRefusal(await add("one", ...moved), 3, "a_label.nii.gz", "phantom.nii.gz");
    const demo = new URL("../../models/demo-medlam.safetensors", import.meta.url).pathname;
    const other = ["template", "add", at("one"), ...scans("a"), "--classes", "2", "--medlam", demo];
    expectRefusal(await run(...other), 3, at("one"), "made with another network");
    expect(bytes("one").equals(before)).toBe(true);
  });
});

describe("template merge", () => {
  it("of two files gives the bytes of a build of everything at once", async () => {
    await succeed("template", "merge", at("one"), at("other"), "-q", "-o", at("merged"));
    expect(bytes("merged").equals(bytes("both"))).toBe(true);
  });

  it("refuses organs that two have, files of other kinds or networks, and one file alone", async () => {
    const merge = (...files: string[]) => run("template", "merge", ...files, "-o", at("none"));
    expectRefusal(await merge(at("one"), at("both")), 2, 'The organ "1"', at("one"), at("both"));
    expectRefusal(await merge(at("one"), at("unsurveyed")), 3, "survey yes and no");
    const demo = new URL("../../models/demo.templates.safetensors", import.meta.url).pathname;
    expectRefusal(await merge(at("one"), demo), 3, at("one"), demo, "different networks");
    expectRefusal(await merge(at("one")), 2, "two or more");
    expectRefusal(await merge(at("one"), at("one")), 2, 'The organ "1"');
  });
});

describe("template convert", () => {
  it("keeps features in four bits, which add keeps so, and localizes with them", async () => {
    const pack = (from: string, to: string) =>
      succeed("template", "convert", at(from), "--kernels", "int4", "-q", "-o", at(to));
    await pack("one", "one-packed");
    await pack("both", "both-packed");
    expect(statSync(at("one-packed")).size).toBeLessThan(0.35 * statSync(at("one")).size);
    expect(await inspect("one-packed")).toEqual({
      ...(await inspect("one")),
      ...{ kernels: "int4", path: at("one-packed"), bytes: statSync(at("one-packed")).size },
    });
    await add("one-packed", ...scans("a", "b"), "--classes", "2");
    expect((await inspect("one-packed")).kernels).toBe("int4");
    const score = async (file: string) => {
      const { stdout } = await succeed(
        ...["localize", scan, "-t", at(file), ...network, "--roi-subset", "2"],
      );
      return JSON.parse(stdout).organs["2"].score as number;
    };
    expect(await score("one-packed")).toBeCloseTo(await score("both-packed"), 3);
    expect(await score("one-packed")).toBeCloseTo(await score("both"), 2);
  });

  it("refuses a file of a version that it does not know", async () => {
    const text = bytes("one").toString("latin1");
    writeFileSync(at("newer"), text.replace('"version":"1"', '"version":"3"'), "latin1");
    expectRefusal(
      await run("template", "inspect", at("newer")),
      ...[3, "version 3", "reads versions 1 and 2"],
    );
  });
});
