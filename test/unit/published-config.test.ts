import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readPublishedConfig } from "../../lib/paper/config.js";
import { parseIni } from "../../lib/paper/ini.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-published-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const lists = {
  support_image_ls: file("support_image.txt", "a.nii.gz\r\n\n  b c.nii.gz  \n"),
  support_label_ls: file("support_label.txt", "a_label.nii.gz\nb_label.nii.gz"),
  query_image_ls: file("query_image.txt", "q.nii.gz\n"),
  query_label_ls: file("query_label.txt", "q_label.nii.gz\n"),
};

type Settings = Record<string, Record<string, string | undefined>>;

/** A config that segments with SPL; keys set to undefined are left out. */
function config(changes: Settings = {}): string {
  const sections: Settings = {
    data: {
      ...lists,
      gt_slice_threshold: "10",
      fg_class: "[3, 1,2]",
      bbox_mode: "SPL",
      slice_interval: "2",
      seg_save_path: "out/masks",
      seg_png_save_path: "out/png",
      ...changes.data,
    },
    vit: { net_type: "vit_b", ...changes.vit },
    weight: { medlam_load_path: "medlam.pth", vit_load_path: "sam.pth", ...changes.weight },
  };
  const lines = Object.entries(sections).flatMap(([name, keys]) => {
    const set = Object.entries(keys).filter(([, value]) => value !== undefined);
    return set.length === 0 ? [] : [`[${name}]`, ...set.map(([key, value]) => `${key} = ${value}`)];
  });
  return lines.join("\n");
}

const read = (text: string) => readPublishedConfig(file("test_run.txt", text));

const localizing: Settings = {
  data: {
    bbox_mode: "WPL",
    slice_interval: "False",
    gt_slice_threshold: undefined,
    seg_save_path: undefined,
    seg_png_save_path: undefined,
  },
  vit: { net_type: undefined },
  weight: { vit_load_path: undefined },
};

const common = {
  supportImages: ["a.nii.gz", "b c.nii.gz"],
  supportLabels: ["a_label.nii.gz", "b_label.nii.gz"],
  queryImages: ["q.nii.gz"],
  queryLabels: ["q_label.nii.gz"],
  classes: [3, 1, 2],
  scales: [0, 1, 2],
  medlam: "medlam.pth",
};

describe("parseIni", () => {
  const parsed = (text: string) =>
    Object.fromEntries(
      [...parseIni("x.txt", text)].map(([name, keys]) => [name, Object.fromEntries(keys)]),
    );

  it("reads both delimiters, comments, continuations and keys of any case", () => {
    const text = `# a comment
[One]
Key=a = b # not a comment
  ; a comment between
   and more

	last
other : C:\\x
empty =

  [two] ; that a section needs its own column
[two] rest
percent = 100%%`;
    expect(parsed(text)).toEqual({
      One: {
        key: { value: "a = b # not a comment\nand more\n\nlast", line: 3 },
        other: { value: "C:\\x", line: 8 },
        empty: { value: "\n\n[two] ; that a section needs its own column", line: 9 },
      },
      two: { percent: { value: "100%", line: 13 } },
    });
  });

  it("gives every section the keys of [DEFAULT]", () => {
    expect(parsed("[a]\nx=1\n[DEFAULT]\nx=0\ny=0\n[b]\n[DEFAULT]\nz:2")).toEqual({
      a: { x: { value: "1", line: 2 }, y: { value: "0", line: 5 }, z: { value: "2", line: 8 } },
      b: { x: { value: "0", line: 4 }, y: { value: "0", line: 5 }, z: { value: "2", line: 8 } },
    });
  });

  it("keeps names that objects have already", () => {
    expect(parseIni("x", "[constructor]\n__proto__ = 1").get("constructor")?.size).toBe(1);
  });

  it.each([
    ["x = 1", "line 1 comes before any section"],
    ["[a]\n\nword", 'line 3 is neither "[section]" nor'],
    ["[a]\n= 1", 'line 2 is neither "[section]" nor'],
    ["[a]\n[]", 'line 2 is neither "[section]" nor'],
    ["[a]\nx=1\nX:2", "line 3: x is set twice"],
    ["[a]\n[b]\n[a]", "line 3: there is a section [a] before"],
    ["[a]\nx=%(y)s", "line 2: x has a single %"],
  ])("refuses %j", (text, message) => {
    expect(() => parseIni("x.txt", text)).toThrow(
      expect.objectContaining({
        code: "BAD_ANNOTATION",
        message: expect.stringContaining(`x.txt: ${message}`),
      }),
    );
  });
});

describe("readPublishedConfig", () => {
  it("reads a config that segments", async () => {
    expect(await read(config())).toEqual({
      ...common,
      strategy: "spl",
      sliceInterval: 2,
      gtSliceThreshold: 10,
      segmentationFolder: "out/masks",
      pngFolder: "out/png",
      sam: { path: "sam.pth", netType: "vit_b" },
    });
  });

  it("reads a config that localizes", async () => {
    expect(await read(config(localizing))).toEqual({
      ...common,
      strategy: "wpl",
      gtSliceThreshold: 0,
    });
  });

  it.each([
    ["[feature0, feature1, feature2]", [0, 1, 2]],
    ["[feature2,feature0]", [0, 2]],
    ["[]", []],
    ["False", []],
  ])("reads the scales %s", async (text, scales) => {
    expect((await read(config({ data: { feature_scale_ls: text } }))).scales).toEqual(scales);
  });

  it.each([
    ["1e2", 100],
    ["2.5", 2.5],
    ["-1", -1],
    ["False", 0],
  ])("reads the threshold %s", async (text, value) => {
    const { gtSliceThreshold } = await read(config({ data: { gt_slice_threshold: text } }));
    expect(gtSliceThreshold).toBe(value);
  });

  it.each<[Settings, string]>([
    [{ data: { fg_class: "5" } }, "line 7: fg_class of [data] must be a list of labels"],
    [{ data: { fg_class: "[]" } }, 'such as [1, 2], not "[]"'],
    [{ data: { fg_class: "[0, 1]" } }, "fg_class of [data] must be a list of labels from 1"],
    [{ data: { fg_class: "[1, 1.0]" } }, "fg_class of [data] must be a list of labels from 1"],
    [{ data: { fg_class: "[1, 2,]" } }, "fg_class of [data] must be a list of labels from 1"],
    [{ data: { fg_class: "[1, 2, 1]" } }, "must name every label once"],
    [{ data: { fg_class: `[${"1,".repeat(99)}]` } }, "…"],
    [{ data: { fg_class: "" } }, 'fg_class of [data] is missing. Add a line "fg_class = [1, 2]"'],
    [{ data: { bbox_mode: "spl" } }, 'must be WPL (whole organs) or SPL (their parts), not "spl"'],
    [{ data: { slice_interval: "False" } }, "line 9: slice_interval of [data] must be a whole"],
    [{ data: { slice_interval: "0" } }, "must be a whole number above 0"],
    [{ data: { slice_interval: undefined } }, "slice_interval of [data] is missing"],
    [{ data: { feature_scale_ls: "" } }, "must be a list of some of feature0"],
    [{ data: { feature_scale_ls: "feature0" } }, "must be a list of some of feature0"],
    [{ data: { feature_scale_ls: "[feature3]" } }, "must be a list of some of feature0"],
    [{ data: { feature_scale_ls: "[feature1, feature1]" } }, "each once"],
    [{ data: { gt_slice_threshold: "ten" } }, 'must be a number of pixels, not "ten".'],
    [{ data: { gt_slice_threshold: "10 # few" } }, "(comments need lines of their own)."],
    [{ data: { gt_slice_threshold: undefined } }, "gt_slice_threshold of [data] is missing"],
    [{ data: { seg_save_path: "a\n  b" } }, "seg_save_path of [data] must be a path on one line"],
    [{ weight: { medlam_load_path: undefined } }, "medlam_load_path of [weight] is missing"],
    [{ weight: { vit_load_path: undefined } }, "vit_load_path of [weight] is missing"],
    [{ vit: { net_type: undefined } }, "net_type of [vit] is missing"],
    [{ data: { query_label_ls: undefined } }, "query_label_ls of [data] is missing"],
  ])("refuses %j", async (changes, message) => {
    await expect(read(config(changes))).rejects.toMatchObject({
      code: "BAD_ANNOTATION",
      message: expect.stringMatching(/test_run\.txt: /),
    });
    await expect(read(config(changes))).rejects.toThrow(message);
  });

  it("refuses lists of different lengths", async () => {
    await expect(
      read(config({ data: { support_label_ls: lists.query_label_ls } })),
    ).rejects.toMatchObject({
      code: "BAD_ANNOTATION",
      message: `${lists.query_label_ls}: has 1 paths, but ${lists.support_image_ls} has 2. List every image's label map in the images' order.`,
    });
  });

  it("refuses a list without a path", async () => {
    const empty = file("empty.txt", "\n  \n");
    await expect(read(config({ data: { query_image_ls: empty } }))).rejects.toMatchObject({
      code: "BAD_ANNOTATION",
      message: expect.stringContaining(`${empty}: the list is empty`),
    });
  });

  it("says where a list that does not exist is named", async () => {
    await expect(read(config({ data: { query_image_ls: "nowhere.txt" } }))).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
      message: expect.stringMatching(
        /test_run\.txt: line 4: query_image_ls of \[data\]: nowhere\.txt: no such file\. .* current folder/,
      ),
    });
    await expect(readPublishedConfig(join(folder, "none.txt"))).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
    });
  });
});
