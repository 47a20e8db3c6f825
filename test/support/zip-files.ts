/** Zip archives as they are, and as they should not be. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  name: string;
  data: Uint8Array;
  stored?: boolean;
  /** The archive's own word on it, where that is not the truth. */
  size?: number;
  compressedSize?: number;
  flags?: number;
  method?: number;
}

export interface ZipEnd {
  count?: number;
  size?: number;
  offset?: number;
}

export function zipOf(entries: readonly ZipEntry[], end: ZipEnd = {}): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const data = entry.stored ? Buffer.from(entry.data) : deflateRawSync(entry.data);
    const name = Buffer.from(entry.name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0, 2);
    common.writeUInt16LE(entry.method ?? (entry.stored ? 0 : 8), 4);
    common.writeUInt32LE(checksum(entry.data), 10);
    common.writeUInt32LE(entry.compressedSize ?? data.length, 14);
    common.writeUInt32LE(entry.size ?? entry.data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, name, data]);
    central.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, name);
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const record = Buffer.alloc(22);
  record.write("PK\x05\x06", "latin1");
  record.writeUInt16LE(end.count ?? entries.length, 8);
  record.writeUInt16LE(end.count ?? entries.length, 10);
  record.writeUInt32LE(end.size ?? directory.length, 12);
  record.writeUInt32LE(end.offset ?? at, 16);
  return Buffer.concat([...locals, directory, record]);
}

/** Nothing here looks at it: readers of DICOM find damage by the data set. */
function checksum(data: Uint8Array): number {
  return typeof crc32 === "function" ? crc32(data) : 0;
}
