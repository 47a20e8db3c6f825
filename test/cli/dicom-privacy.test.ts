/** DICOM files of masks hold what files them under patient and study, and nothing else of the series. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readDataSet } from "../../lib/dicom/data-set.js";
import type { DicomAttributes } from "../../lib/dicom/source.js";
import { succeed } from "../support/command.js";
import { markers, plantSeries } from "../support/planted.js";
import { sam, writeBoxes } from "../support/segmentation.js";

const folder = mkdtempSync(join(tmpdir(), "medlsam-privacy-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]) => join(folder, ...names);

/** Attributes that are copied, where the planted series has them. */
const copied = [
  ...["00080020", "00080030", "00080050", "00080090", "00081030"],
  ...["00100010", "00100020", "00100021", "00100030", "00120063", "00120064/00080100"],
  ...["0020000d", "00200010", "00200052", "00201040"],
];

const datesAndUids = new Set(["00080020", "00080030", "00100030", "0020000d", "00200052"]);

/** UIDs that items of sequences name: of the series, of its images, study and frame of reference. */
const references = new Set(["0020000e", "00081155", "00200052", "30060024"]);

/** Paths of the attributes with a marker, without numbers of items. */
function marked(attributes: DicomAttributes, within = ""): string[] {
  return [...attributes].flatMap(([tag, { value, items }]) => {
    const path = `${within}${tag}`;
    const text = Buffer.from(value ?? []).toString("latin1");
    const inItems = (items ?? []).flatMap((item) => marked(item, `${path}/`));
    return markers.some((each) => text.includes(each)) ? [path, ...inItems] : inItems;
  });
}

beforeAll(async () => {
  plantSeries(at("in"));
  const organs = { liver: { label: 1, box: { min: [3, 20, 20], max: [5, 60, 70] } } };
  const boxes = writeBoxes(at("boxes.json"), organs as never, [12, 84, 96]);
  const formats = ["--output-format", "seg,labelmap-seg,rtstruct", "-q", "-o", at("out")];
  await succeed("segment", at("in"), "--sam", sam, "--boxes", boxes, ...formats);
});

it.each(["segmentation.seg.dcm", "segmentation.labelmap.dcm", "structures.rtstruct.dcm"])(
  "%s",
  (name) => {
    const bytes = readFileSync(at("out/in", name));
    const { attributes } = readDataSet(bytes);
    const found = new Set(marked(attributes));
    const own = [...found].filter((path) => !references.has(path.split("/").slice(1).at(-1) ?? ""));
    expect(own.sort()).toEqual(copied);
    // Names of files and folders are nobody's business either.
    const text = bytes.toString("latin1");
    expect(text).not.toContain(folder);
    expect(text).not.toContain(".dcm");
    const texts = copied.filter((path) => !datesAndUids.has(path)).map((path) => path.slice(0, 8));
    expect((text.match(/MARK\w{8}/g) ?? []).map((each) => each.slice(4)).sort()).toEqual(texts);
  },
);
