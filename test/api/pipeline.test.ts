import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AbortedError,
  InputError,
  MedLam,
  Pipeline,
  type ScanEvent,
  type ScanOutcome,
  type Segmenter,
  Templates,
  UsageError,
  Volume,
} from "../../lib/index.js";
import { data, medlam as medlamFile, scan } from "../support/command.js";
import { sharedTemplates } from "../support/shared-templates.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-pipeline-"));
const at = (...path: string[]) => join(folder, ...path);

/** Fills the boxes: no network, so that the tests are about the pipeline. */
const boxes: Segmenter = {
  name: "boxes",
  async segment({ organs, masks, onProgress, onComplete, signal }) {
    for (const [i, { boxes: found }] of organs.entries()) {
      for (const box of found) {
        const size = box.max.map((high, axis) => high - (box.min[axis] as number) + 1);
        const voxels = size.reduce((product, each) => product * each, 1);
        await masks.set(i, box, new Float32Array(voxels).fill(1), { signal });
      }
      onProgress(i + 1, organs.length);
      onComplete(i);
    }
    return { counts: { encoderRuns: organs.length } };
  },
};

let medlam: MedLam;
let templates: Templates;
let segmenting: Pipeline;
let localizing: Pipeline;
const quick = { scales: [], minScore: -1 } as const;

beforeAll(async () => {
  medlam = await MedLam.load(medlamFile);
  templates = await Templates.open(await sharedTemplates("small"));
  segmenting = await Pipeline.load({ medlam, templates, segmenter: boxes });
  localizing = await Pipeline.load({ medlam, templates });
  mkdirSync(at("scans"));
  for (const name of ["a", "b", "d"]) symlinkSync(scan, at("scans", `${name}.nii.gz`));
  writeFileSync(at("scans", "c.nii.gz"), "no scan");
});
afterAll(() => {
  segmenting.close();
  localizing.close();
  templates.close();
  medlam.close();
  rmSync(folder, { recursive: true });
});

async function all(outcomes: AsyncIterable<ScanOutcome>): Promise<string[]> {
  const found: string[] = [];
  for await (const { status, case: each } of outcomes) found.push(`${each.name} ${status}`);
  return found;
}

describe("one scan", () => {
  it("gives a typed result, its files, and events in their order", async () => {
    const events: ScanEvent[] = [];
    const result = await segmenting.run(scan, {
      ...{ ...quick, output: at("one"), statistics: true, segmentAbsent: true },
      onEvent: (event) => events.push(event),
    });
    expect(result.name).toBe("q");
    expect(result.organs).toEqual(result.localization?.organs);
    const mask = result.segmentation?.organs["1"];
    const box = result.localization?.organs["1"]?.box;
    expect(box).toBeDefined();
    expect(mask?.voxels).toBeGreaterThan(0);
    expect(result.counts).toMatchObject({ organs: 1, encoderRuns: 1 });
    expect(result.seconds.total).toBeGreaterThan(0);
    const names = ["1.nii.gz", "statistics.json", "boxes.json"];
    expect(result.files).toEqual(names.map((name) => at("one", "q", name)));
    expect(readdirSync(at("one", "q")).sort()).toEqual([...names].sort());
    expect(readdirSync(at("one"))).toEqual(["q"]);

    expect(events[0]).toMatchObject({ type: "case-started", index: 0, count: 1 });
    expect(events.at(-1)).toMatchObject({ type: "case-done", result: { name: "q" } });
    const phases = events.flatMap((event) => (event.type === "progress" ? [event.phase] : []));
    expect([...new Set(phases)]).toEqual(["read", "grid", "query", "segment", "write"]);
  });

  it("is found in a volume and in an opened scan alike, which stay open", async () => {
    const volume = await Volume.read(scan);
    const { localization } = await localizing.run(volume, quick);
    const opened = await localizing.open(volume);
    const again = await localizing.run(opened, quick);
    const third = await localizing.run(opened, quick);
    expect(again.localization?.organs).toEqual(localization?.organs);
    expect(third.localization?.organs).toEqual(localization?.organs);
    expect(third.files).toEqual([]);
    opened.close();
    expect((await volume.stored()).length).toBeGreaterThan(0);
    volume.close();
  });

  it("that is only localized is written as boxes and markups", async () => {
    const options = { ...quick, output: at("boxes"), markups: true };
    const { files, localization } = await localizing.run(scan, options);
    expect(files).toEqual([at("boxes", "q.mrk.json"), at("boxes", "q.json")]);
    expect(JSON.parse(readFileSync(at("boxes", "q.json"), "utf8"))).toEqual(localization);
  });

  it("aborted in the middle leaves what was there before, and nothing half-written", async () => {
    const output = at("aborted");
    await segmenting.run(scan, { ...quick, output });
    const before = readFileSync(join(output, "q", "boxes.json"), "utf8");
    for (const phase of ["query", "segment", "write"]) {
      const stop = new AbortController();
      const run = segmenting.run(scan, {
        ...{ ...quick, output, statistics: true, signal: stop.signal },
        onEvent: (event) => {
          if (event.type === "progress" && event.phase === phase) stop.abort();
        },
      });
      await expect(run, phase).rejects.toBeInstanceOf(AbortedError);
      expect(readdirSync(output)).toEqual(["q"]);
      expect(readFileSync(join(output, "q", "boxes.json"), "utf8")).toBe(before);
    }
  });

  it("fails with what is wrong", async () => {
    const events: string[] = [];
    const onEvent = ({ type }: ScanEvent) => events.push(type);
    await expect(segmenting.run(at("scans", "c.nii.gz"), { onEvent })).rejects.toBeInstanceOf(
      InputError,
    );
    expect(events.filter((type) => type !== "progress")).toEqual(["case-started", "case-failed"]);
    await expect(segmenting.run(scan, { organs: ["liver"] })).rejects.toThrow(/called liver/);
    await expect(localizing.run(scan, { boxes: "boxes.json" })).rejects.toBeInstanceOf(UsageError);
    await expect(segmenting.run(scan, { markups: true })).rejects.toBeInstanceOf(UsageError);
  });
});

describe("many scans", () => {
  it("go on where one fails, and are passed over where they are complete", async () => {
    const [output, report] = [at("many"), at("report.json")];
    const options = { ...quick, output, report };
    expect(await all(segmenting.runAll([at("scans")], options))).toEqual([
      ...["a done", "b done", "c failed", "d done"],
    ]);
    const { cases, models } = JSON.parse(readFileSync(report, "utf8"));
    expect(cases.map(({ status }: { status: string }) => status)).toEqual([
      ...["done", "done", "failed", "done"],
    ]);
    expect(cases[2]).toMatchObject({ code: "BAD_VOLUME" });
    expect(models).toMatchObject({ medlam: medlam.fingerprint, segmenter: "boxes" });
    rmSync(at("many", "b", "1.nii.gz"));
    expect(await all(segmenting.runAll([at("scans")], { ...options, skipExisting: true }))).toEqual(
      ["a skipped", "b done", "c failed", "d skipped"],
    );
  });

  it("that are only localized are passed over too, once all their files are there", async () => {
    const options = { ...quick, output: at("located"), skipExisting: true };
    const scans = ["a", "b"].map((name) => at("scans", `${name}.nii.gz`));
    expect(await all(localizing.runAll(scans, options))).toEqual(["a done", "b done"]);
    expect(await all(localizing.runAll(scans, options))).toEqual(["a skipped", "b skipped"]);
    expect(await all(localizing.runAll(scans, { ...options, markups: true }))).toEqual([
      ...["a done", "b done"],
    ]);
    await expect(all(localizing.runAll(scans, { skipExisting: true }))).rejects.toThrow(/output/);
  });

  it("are shared by shards without a rest", async () => {
    const scans = ["a", "b", "d"].map((name) => at("scans", `${name}.nii.gz`));
    const parts = await Promise.all(
      [0, 1].map((index) =>
        all(localizing.runAll(scans, { ...quick, shard: { index, count: 2 } })),
      ),
    );
    expect(parts).toEqual([["a done", "d done"], ["b done"]]);
    const none = all(localizing.runAll(scans, { ...quick, shard: { index: 2, count: 2 } }));
    await expect(none).rejects.toThrow(/counted from 0 to 1/);
  });

  it("leave a report of what was done when the loop is left", async () => {
    const report = at("left.json");
    for await (const _ of localizing.runAll([at("scans")], { ...quick, report })) break;
    expect(JSON.parse(readFileSync(report, "utf8")).cases).toHaveLength(1);
  });

  it("of one name are refused where they would be written", async () => {
    const twice = [scan, scan];
    await expect(all(localizing.runAll(twice, { output: at("x") }))).rejects.toThrow(/both be/);
    expect(existsSync(at("x"))).toBe(false);
  });
});

it("the guide's script does a folder of scans", async () => {
  const [out, file] = [at("guide"), at("templates.safetensors")];
  await templates.save(file);
  const script = fileURLToPath(new URL("../../docs/guide/pipeline.mjs", import.meta.url));
  const args = [script, at("scans"), out, file, medlamFile, data("sam/sam_tiny.pth")];
  const run = (): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, args, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
  const { code, stdout, stderr } = await run();
  expect(code, stderr).toBe(1);
  expect(stdout).toMatch(/^a: \d present\nb: \d present\nd: \d present\n$/);
  expect(stderr).toMatch(/3 of 4: c\nc: .*c\.nii\.gz: .*not a volume/);
  expect(readdirSync(out).sort()).toEqual(["a", "b", "d"]);
  expect((await run()).stdout).toContain("a: boxes.json is there");
});
