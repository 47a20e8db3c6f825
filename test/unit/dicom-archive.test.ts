/** Series in zip archives, and archives that are damaged or meant to do harm. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Volume } from "../../lib/index.js";
import { conformance } from "../support/data.js";
import { type ZipEnd, type ZipEntry, zipOf } from "../support/zip-files.js";

const root = mkdtempSync(join(tmpdir(), "medlsam-zip-"));
afterAll(() => rmSync(root, { recursive: true }));
const path = join(root, "a.zip");

const folder = conformance("dicom/syntax/explicit");
const slices = readdirSync(folder).map(
  (name): ZipEntry => ({ name, data: readFileSync(join(folder, name)) }),
);
const [first, ...others] = slices as [ZipEntry, ...ZipEntry[]];

async function read(archive: Buffer): Promise<string> {
  writeFileSync(path, archive);
  return Volume.read(path).then(
    (volume) => {
      volume.close();
      return `read ${volume.shape}`;
    },
    (error) => `${error.code} ${error.message}`,
  );
}

it("archives are read, stored or deflated, in folders and beside what is no DICOM", async () => {
  expect(await read(zipOf(slices))).toBe("read 12,84,96");
  const stored = slices.map((slice) => ({ ...slice, name: `a/b/${slice.name}`, stored: true }));
  const note = { name: "a/readme.txt", data: Buffer.from("hello") };
  expect(
    await read(zipOf([{ name: "a/", data: Buffer.alloc(0), stored: true }, note, ...stored])),
  ).toBe("read 12,84,96");
});

it("names that leave the archive are not followed", async () => {
  for (const name of [
    "../evil.dcm",
    "/evil.dcm",
    "a/../../evil.dcm",
    "C:\\evil.dcm",
    "..\\evil.dcm",
  ]) {
    const found = await read(zipOf([{ ...first, name }, ...others]));
    expect(found, name).toMatch(/^read 11,|missing|^BAD_VOLUME/);
    expect(readdirSync(root)).toEqual(["a.zip"]);
  }
  const shadow = { ...first, name: "__MACOSX/._00.dcm" };
  expect(await read(zipOf([shadow, ...slices]))).toBe("read 12,84,96");
});

it("entries that are larger than they say, or smaller, are refused", async () => {
  const bomb = { name: "bomb.dcm", data: Buffer.alloc(64 << 20), size: 1000 };
  const before = process.memoryUsage().rss;
  expect(await read(zipOf([bomb, ...others]))).toMatch(/^BAD_VOLUME .*bomb\.dcm: /);
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  expect(await read(zipOf([{ ...first, size: 10_000_000 }, ...others]))).toMatch(
    new RegExp(`^BAD_VOLUME .*${first.name}: .*shorter`),
  );
  expect(await read(zipOf([{ ...first, size: 0xfffffff0 }, ...others]))).toMatch(
    new RegExp(`^BAD_VOLUME .*${first.name}: .*2 GB`),
  );
  expect(await read(zipOf([{ ...first, compressedSize: 0x7fffffff }, ...others]))).toMatch(
    /^BAD_VOLUME/,
  );
  const many = Array.from({ length: 40 }, (_, i) => ({
    ...first,
    name: `${i}.dcm`,
    size: 0x7ffffff0,
  }));
  expect(await read(zipOf(many))).toMatch(/^BAD_VOLUME .*64 GB/);
});

it("entries that are encrypted or compressed otherwise are refused by name", async () => {
  expect(await read(zipOf([{ ...first, flags: 1 }, ...others]))).toMatch(/^BAD_VOLUME .*encrypted/);
  expect(await read(zipOf([{ ...first, method: 12 }, ...others]))).toMatch(
    /^BAD_VOLUME .*deflated/,
  );
});

it("directories that are cut or lie are refused", async () => {
  const whole = zipOf(slices);
  for (const share of [0.1, 0.5, 0.9, 0.999]) {
    const cut = await read(whole.subarray(0, Math.floor(share * whole.length)));
    expect(cut).toMatch(/^BAD_VOLUME .*a\.zip: the archive is damaged or cut short/);
  }
  const lies: ZipEnd[] = [
    { count: 13 },
    { count: 60_000 },
    { size: 10 },
    { size: 0x7fffffff },
    { offset: 0x7fffffff },
    { offset: 4 },
    { count: 0xffff },
    { offset: 0xffffffff },
  ];
  for (const lie of lies) {
    expect(await read(zipOf(slices, lie)), JSON.stringify(lie)).toMatch(
      /^BAD_VOLUME .*a\.zip: the archive/,
    );
  }
  const zip64 = Buffer.alloc(20);
  zip64.write("PK\x06\x07", "latin1");
  zip64.writeBigUInt64LE(0xffffffffffffff00n, 8);
  const end = zipOf([], { count: 0xffff });
  const far = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), Buffer.alloc(100), zip64, end]);
  expect(await read(far)).toMatch(/^BAD_VOLUME .*a\.zip: the archive/);
});
