/** The directory of a zip archive (PKWARE's APPNOTE 4.3), zip64 as well. Nothing is unpacked to disk. */
import { open } from "node:fs/promises";
import { InputError, unreadable } from "../../base/errors.js";
import type { FileRef } from "./file-ref.js";

const mostEntries = 200_000;
const mostBytes = 64 * 2 ** 30;
const mostEntryBytes = 2 ** 31;
/** The end record with its longest comment. */
const tailSize = 22 + 65_535;
const mostDirectoryBytes = 2 ** 29;

/** Whether a file begins as a zip archive does. */
export function looksLikeZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
}

/**
 * Files in the archive, in the directory's order; those whose names lead out of it, and a Mac's shadow files, are passed over.
 * @throws InputError `BAD_VOLUME` for a damaged archive or one over the limits, `READ_FAILED`, `FILE_NOT_FOUND`.
 */
export async function listArchive(path: string): Promise<FileRef[]> {
  const file = await open(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number) => {
      if (offset > size) throw damaged(path);
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    const directory = await findDirectory(path, size, read);
    if (directory.count > mostEntries) {
      throw bad(path, `it has more than ${mostEntries} entries. Give the folder of one scan`);
    }
    if (directory.offset + directory.size > size || directory.size > mostDirectoryBytes) {
      throw damaged(path);
    }
    return parseDirectory(path, await read(directory.offset, directory.size), directory.count);
  } finally {
    await file.close();
  }
}

function bad(path: string, why: string): InputError {
  return new InputError("BAD_VOLUME", `${path}: ${why}.`);
}

function damaged(path: string): InputError {
  return bad(path, "the archive is damaged or cut short. Copy it again from where it came from");
}

interface Directory {
  offset: number;
  size: number;
  count: number;
}

async function findDirectory(
  path: string,
  size: number,
  read: (offset: number, length: number) => Promise<Buffer>,
): Promise<Directory> {
  const start = Math.max(0, size - tailSize);
  const tail = await read(start, size - start);
  const at = tail.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (at < 0 || at + 22 > tail.length) throw damaged(path);
  const end = {
    count: tail.readUInt16LE(at + 10),
    size: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  };
  const zip64 = end.count === 0xffff || end.size === 0xffffffff || end.offset === 0xffffffff;
  if (!zip64) return end;
  const locator = at - 20;
  if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) throw damaged(path);
  const record = await read(Number(tail.readBigUInt64LE(locator + 8)), 56);
  if (record.length < 56 || record.readUInt32LE(0) !== 0x06064b50) throw damaged(path);
  return {
    count: Number(record.readBigUInt64LE(32)),
    size: Number(record.readBigUInt64LE(40)),
    offset: Number(record.readBigUInt64LE(48)),
  };
}

function parseDirectory(path: string, directory: Buffer, count: number): FileRef[] {
  const files: FileRef[] = [];
  let outside: string | undefined;
  let at = 0;
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50) {
      throw damaged(path);
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      directory.readUInt16LE(at + field),
    ) as [number, number, number];
    const end = at + 46 + nameLength + extraLength + commentLength;
    if (end > directory.length) throw damaged(path);
    const name = directory.toString("utf8", at + 46, at + 46 + nameLength);
    const file = entryAt(path, name, directory.subarray(at, end), nameLength, extraLength);
    at = end;
    if (name.endsWith("/")) continue;
    if (!isFollowed(name)) {
      outside ??= name;
      continue;
    }
    total += file.entry?.size ?? 0;
    if (total > mostBytes) throw bad(path, "its files are larger than 64 GB together");
    files.push(file);
  }
  if (files.length > 0 || outside === undefined) return files;
  // A name from the archive could control the terminal.
  const shown = outside.replace(/\p{Cc}/gu, "?").slice(0, 100);
  throw bad(
    path,
    `it holds nothing but names that lead out of it, as ${shown}, which are passed over`,
  );
}

/** Whether a name stays in the archive and is no shadow of another file. */
function isFollowed(name: string): boolean {
  if (/^([/\\]|[a-zA-Z]:)/.test(name)) return false;
  const parts = name.split(/[/\\]/);
  return !parts.includes("..") && parts[0] !== "__MACOSX" && !parts.at(-1)?.startsWith("._");
}

function entryAt(
  path: string,
  entryName: string,
  record: Buffer,
  nameLength: number,
  extraLength: number,
): FileRef {
  const name = `${path}/${entryName}`;
  const [flags, method] = [record.readUInt16LE(8), record.readUInt16LE(10)];
  const sizes = {
    size: record.readUInt32LE(24),
    compressedSize: record.readUInt32LE(20),
    header: record.readUInt32LE(42),
  };
  const extra = record.subarray(46 + nameLength, 46 + nameLength + extraLength);
  const whole = extendSizes(sizes, extra) ?? sizes;
  if (isFollowed(entryName) && !entryName.endsWith("/")) {
    if (flags & 1) throw bad(name, "it is encrypted. Unpack the archive and give the folder");
    if (method !== 0 && method !== 8) {
      throw bad(name, "it is neither stored nor deflated. Unpack the archive and give the folder");
    }
    if (whole.size > mostEntryBytes) throw bad(name, "it is larger than 2 GB");
    if (method === 0 && whole.size !== whole.compressedSize) throw damaged(path);
  }
  return { name, path, entry: { ...whole, deflated: method === 8 } };
}

/** Sizes and offset of 64 bits from the zip64 extra field: those whose own field is full, in this order. */
function extendSizes<Sizes extends Record<string, number>>(
  sizes: Sizes,
  extra: Buffer,
): Sizes | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
    let next = 0;
    const result: Record<string, number> = { ...sizes };
    for (const [key, value] of Object.entries(sizes)) {
      if (value !== 0xffffffff || next + 8 > field.length) continue;
      result[key] = Number(field.readBigUInt64LE(next));
      next += 8;
    }
    return result as Sizes;
  }
  return undefined;
}
