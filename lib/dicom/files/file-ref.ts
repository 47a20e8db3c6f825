/** Files that may lie in an archive, and reading them piece by piece. Synchronous: for worker threads. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

/** A file, or an entry of a zip archive. */
export interface FileRef {
  /** Its path, as messages name it; for an entry `ARCHIVE/NAME`. */
  name: string;
  /** The file to open: of an entry, the archive. */
  path: string;
  entry?: ArchiveEntry;
}

export interface ArchiveEntry {
  /** Offset of the entry's local header in the archive. */
  header: number;
  compressedSize: number;
  /** Bytes once it is inflated. */
  size: number;
  deflated: boolean;
}

/** A file's bytes. */
export interface ByteSource {
  readonly size: number;
  /** Where its first byte lies in the file `path`; undefined for bytes that lie in memory alone. */
  readonly base?: number;
  /** Bytes from `offset` on: fewer than `length` where the file ends. */
  read(offset: number, length: number): Uint8Array;
}

/** Bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** Opens the file for the time that `use` runs. */
export function withBytes<T>(file: FileRef, use: (source: ByteSource) => T): T {
  const descriptor = openSync(file.path, "r");
  try {
    const size = fstatSync(descriptor).size;
    const whole = descriptorSource(descriptor, 0, size);
    return use(file.entry ? entrySource(whole, file.entry, descriptor) : whole);
  } finally {
    closeSync(descriptor);
  }
}

function descriptorSource(descriptor: number, base: number, size: number): ByteSource {
  const read = (offset: number, length: number) => {
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - offset)));
    let got = 0;
    while (got < bytes.length) {
      const count = readSync(descriptor, bytes, got, bytes.length - got, base + offset + got);
      if (count === 0) break;
      got += count;
    }
    return bytes.subarray(0, got);
  };
  return { size, base, read };
}

const localHeaderSize = 30;

function entrySource(archive: ByteSource, entry: ArchiveEntry, descriptor: number): ByteSource {
  const header = Buffer.from(archive.read(entry.header, localHeaderSize));
  if (header.length < localHeaderSize || header.readUInt32LE(0) !== 0x04034b50) {
    throw new Error("the archive is damaged here");
  }
  const start = entry.header + localHeaderSize + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (start + entry.compressedSize > archive.size) throw new Error("the archive ends early");
  if (!entry.deflated) return descriptorSource(descriptor, start, entry.size);
  const bytes = inflateRawSync(archive.read(start, entry.compressedSize), {
    maxOutputLength: Math.max(1, entry.size),
  });
  if (bytes.length !== entry.size) throw new Error("it is shorter than the archive says");
  return memorySource(bytes);
}
