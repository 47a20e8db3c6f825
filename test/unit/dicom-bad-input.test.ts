/** DICOM files that lie, are damaged or belong elsewhere: each is refused with the file and the reason. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { listSeries, Volume } from "../../lib/index.js";
import { conformance } from "../support/data.js";
import {
  type EditableFile,
  elementHead,
  encodeFile,
  setAttribute,
  writeThree,
} from "../support/dicom-files.js";

const root = mkdtempSync(join(tmpdir(), "medlsam-dicom-"));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const newFolder = () => join(root, String(made++));

/** The error of reading three slices, the middle one of which `edit` has changed. */
async function failure(source: string, edit: (file: EditableFile) => Buffer) {
  const folder = writeThree(newFolder(), source, edit);
  return Volume.read(folder).then(
    (volume) => {
      volume.close();
      return "none";
    },
    (error) => `${error.code} ${error.message}`,
  );
}

const compressed = ["rle", "jpeg-lossless", "jpegls", "jpeg2000", "htj2k"];

describe("code streams", () => {
  it.each(compressed)("%s: three slices are read", async (source) => {
    const volume = await Volume.read(writeThree(newFolder(), source));
    expect(volume.shape).toEqual([3, 84, 96]);
    volume.close();
  });

  it.each(compressed)("%s that ends early is refused", async (source) => {
    for (const share of [0.3, 0.9]) {
      const cut = await failure(source, (file) => {
        const whole = Buffer.concat(file.pixels as Buffer[]);
        file.pixels = [whole.subarray(0, 2 * Math.floor((share * whole.length) / 2))];
        return encodeFile(file);
      });
      expect(cut).toMatch(/^BAD_VOLUME .*01\.dcm: /);
    }
  });

  it.each(compressed)("%s: the slice before does not show through an empty one", async (source) => {
    const empty = await failure(source, (file) =>
      encodeFile({ ...file, pixels: [Buffer.alloc(0)] }),
    );
    expect(empty).toMatch(/^BAD_VOLUME .*01\.dcm: /);
    const none = await failure(source, (file) => encodeFile({ ...file, pixels: [] }));
    expect(none).toMatch(/^BAD_VOLUME .*01\.dcm: it has no pixels/);
  });

  it.each(compressed)("%s of another size than its header's is refused", async (source) => {
    const folder = newFolder();
    const turn = (file: EditableFile) => {
      setAttribute(file, "Rows", 96);
      setAttribute(file, "Columns", 84);
      return encodeFile(file);
    };
    // RLE does not know its rows: fewer of them are as many bytes too many.
    const shorter = (file: EditableFile) => {
      setAttribute(file, "Rows", 90);
      return encodeFile(file);
    };
    writeThree(folder, source, source === "rle" ? shorter : turn);
    for (const name of ["00.dcm", "02.dcm"])
      copyFileSync(join(folder, "01.dcm"), join(folder, name));
    const message = await failure(source, source === "rle" ? shorter : turn);
    expect(message).toMatch(/^BAD_VOLUME .*01\.dcm: /);
  });

  it("of noise are refused, whatever the codec", async () => {
    for (const source of compressed) {
      const noise = await failure(source, (file) => {
        const bytes = Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * i * 7919) >> 8));
        return encodeFile({ ...file, pixels: [bytes] });
      });
      expect(noise, source).toMatch(/^BAD_VOLUME .*01\.dcm: /);
    }
  });

  it("that ask for 4 GB are refused before a codec takes them", async () => {
    const huge = await failure("jpeg2000", (file) => {
      const stream = Buffer.concat(file.pixels as Buffer[]);
      stream.writeUInt32BE(60_000, 8);
      stream.writeUInt32BE(60_000, 12);
      return encodeFile({ ...file, pixels: [stream] });
    });
    expect(huge).toMatch(/01\.dcm: its code stream holds 60000 × 60000 pixels/);
  });
});

/** A sequence with one item of one element. */
function sequence(tag: string): Buffer {
  const inner = Buffer.concat([elementHead("00283002", "US", 6), Buffer.alloc(6)]);
  const item = Buffer.from("feff00e000000000", "hex");
  item.writeUInt32LE(inner.length, 4);
  return Buffer.concat([elementHead(tag, "SQ", item.length + inner.length), item, inner]);
}

describe("headers", () => {
  const set = (...changes: [Parameters<typeof setAttribute>[1], string | number | undefined][]) => {
    return (file: EditableFile) => {
      for (const [keyword, value] of changes) setAttribute(file, keyword, value);
      return encodeFile(file);
    };
  };
  const cases: [string, (file: EditableFile) => Buffer, RegExp][] = [
    ["HighBit elsewhere", set(["HighBit", 15]), /^BAD_VOLUME .*01\.dcm: its HighBit 15 is not/],
    ["no rescale", set(["RescaleSlope", undefined]), /^NOT_HU .*01\.dcm: it has no RescaleSlope/],
    ["a slope of 0", set(["RescaleSlope", "0"]), /^BAD_VOLUME .*01\.dcm: its RescaleSlope/],
    ["a slope of words", set(["RescaleSlope", "one"]), /^BAD_VOLUME .*01\.dcm: its RescaleSlope/],
    ["another unit", set(["RescaleType", "US"]), /^NOT_HU .*01\.dcm: its RescaleType is US/],
    [
      "a modality LUT",
      (file) => encodeFile(file, sequence("00283000")),
      /^NOT_HU .*01\.dcm: it has a ModalityLUTSequence/,
    ],
    [
      "an orientation of no unit vectors",
      set(["ImageOrientationPatient", "1\\0\\0\\0\\2\\0"]),
      /^BAD_VOLUME .*01\.dcm: its ImageOrientationPatient/,
    ],
    [
      "axes that are not perpendicular",
      set(["ImageOrientationPatient", "1\\0\\0\\0.6\\0.8\\0"]),
      /^BAD_VOLUME .*01\.dcm: its ImageOrientationPatient/,
    ],
    [
      "no place",
      set(["ImagePositionPatient", undefined]),
      /^BAD_VOLUME .*01\.dcm: its ImagePosition/,
    ],
    [
      "half a place",
      set(["ImagePositionPatient", "1\\2"]),
      /^BAD_VOLUME .*01\.dcm: its ImagePosition/,
    ],
    ["pixels of no size", set(["PixelSpacing", "0\\1"]), /^BAD_VOLUME .*01\.dcm: its PixelSpacing/],
    ["another spacing", set(["PixelSpacing", "3\\3"]), /^BAD_VOLUME .*01\.dcm: its PixelSpacing/],
    ["no bits", set(["BitsAllocated", 12]), /^BAD_VOLUME .*01\.dcm: its BitsAllocated 12/],
    ["more rows than pixels", set(["Rows", 60_000]), /^BAD_VOLUME .*01\.dcm/],
    ["no columns", set(["Columns", 0]), /^BAD_VOLUME .*01\.dcm/],
    [
      "frames that it lacks",
      set(["NumberOfFrames", "3"]),
      /^BAD_VOLUME .*01\.dcm: .*NumberOfFrames/,
    ],
    [
      "a transfer syntax of video",
      set(["TransferSyntaxUID", "1.2.840.10008.1.2.4.102"]),
      /^BAD_VOLUME .*01\.dcm: .*1\.2\.840\.10008\.1\.2\.4\.102 .*gdcmconv/,
    ],
  ];
  it.each(cases)("%s", async (_, edit, expected) => {
    expect(await failure("explicit", edit)).toMatch(expected);
  });

  it("of only other objects say which", async () => {
    const folder = newFolder();
    const capture = set(["SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"], ["Modality", "OT"]);
    writeThree(folder, "explicit", capture);
    for (const name of ["00.dcm", "02.dcm"]) rmSync(join(folder, name));
    const reading = Volume.read(folder);
    await expect(reading).rejects.toMatchObject({ code: "NOT_HU" });
    await expect(reading).rejects.toThrow(/1 secondary capture \(Modality OT\)/);
  });
});

describe("lengths", () => {
  it("of pixel data that go beyond the file are refused", async () => {
    const long = await failure("explicit", (file) => {
      const bytes = encodeFile(file);
      bytes.writeUInt32LE(0xfffffff0, bytes.length - file.pixels.length - 4);
      return bytes;
    });
    expect(long).toMatch(/^BAD_VOLUME .*01\.dcm: .*end early/);
  });

  it("of an element, a sequence or a fragment that lie are refused", async () => {
    const heads = [
      elementHead("00290010", "OB", 0xfffffff0),
      elementHead("00290010", "SQ", 0x7fffffff),
      elementHead("00290010", "UN", 0xffffffff),
      elementHead("00290010", "LO", 65_000),
    ];
    for (const head of heads) {
      const lying = await failure("explicit", (file) => encodeFile(file, head));
      expect(lying, head.toString("hex")).toMatch(/^BAD_VOLUME .*01\.dcm: /);
    }
    const fragment = await failure("rle", (file) => {
      const bytes = encodeFile(file);
      const item = bytes.lastIndexOf(Buffer.from("feff00e0", "hex"));
      bytes.writeUInt32LE(0xfffffff0, item + 4);
      return bytes;
    });
    expect(fragment).toMatch(/^BAD_VOLUME .*01\.dcm: its pixel data end early/);
  });

  it("without end, of 20,000 nested sequences, are refused", async () => {
    const open = Buffer.concat([
      elementHead("00290010", "SQ", 0xffffffff),
      Buffer.from("feff00e0ffffffff", "hex"),
    ]);
    const nested = await failure("explicit", (file) =>
      encodeFile(file, Buffer.concat(Array<Buffer>(20_000).fill(open))),
    );
    expect(nested).toMatch(/^BAD_VOLUME .*01\.dcm: it cannot be read as DICOM/);
  });
});

describe("series", () => {
  it("with two images under one UID are refused, naming both", async () => {
    const folder = writeThree(newFolder(), "explicit");
    const other = readFileSync(join(folder, "01.dcm"));
    other[other.length - 100] = (other[other.length - 100] as number) ^ 1;
    writeFileSync(join(folder, "again.dcm"), other);
    const reading = Volume.read(folder);
    await expect(reading).rejects.toThrow(
      /01\.dcm and .*again\.dcm have the same SOP Instance UID/,
    );
    await expect(listSeries(folder)).resolves.toHaveLength(1);
  });

  it("may be aborted, and leave no thread behind", async () => {
    const folder = conformance("dicom/syntax/jpeg2000");
    const started: Worker[] = [];
    const note = (worker: Worker) => started.push(worker);
    process.on("worker", note);
    for (const milliseconds of [0, 5, 10, 20]) {
      const controller = new AbortController();
      const reading = Volume.read(folder, { signal: controller.signal });
      setTimeout(() => controller.abort(), milliseconds);
      await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    }
    (await Volume.read(folder)).close();
    process.off("worker", note);
    expect(started.length).toBeGreaterThan(0);
    // The id of a thread that has ended is −1.
    expect(started.map(({ threadId }) => threadId)).toEqual(started.map(() => -1));
  });

  it("do not name what is in their files beyond the fault", async () => {
    const marked = await failure("explicit", (file) => {
      setAttribute(file, "PatientName", "MARKER^NAME");
      setAttribute(file, "PatientID", "MARKER-ID");
      setAttribute(file, "HighBit", 3);
      return encodeFile(file);
    });
    expect(marked).not.toContain("MARKER");
  });
});
