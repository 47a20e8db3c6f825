/**
 * Learning curves for TensorBoard: files of TFRecords, each an Event message (the field numbers below are those of
 * tensorflow/core/util/event.proto and summary.proto).
 */
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { unwritable } from "../formats/files.js";

const prefix = "events.out.tfevents.";

/** The events of one run. A resumed run writes another file, which TensorBoard reads after the earlier ones. */
export class EventFile {
  readonly path: string;

  /** @param step the last step before this run; TensorBoard drops later ones in earlier files. */
  constructor(folder: string, step: number) {
    this.path = join(folder, `${prefix}${nextSecond(folder)}.medlsam`);
    const sessionStart = [...key(1, varintType), ...varint(1)];
    this.append([
      event(0, text(3, "brain.Event:2")),
      event(step + 1, message(7, Uint8Array.from(sessionStart))),
    ]);
  }

  /** Appends scalars by tag, for one step each. @throws OutputError */
  add(points: readonly { step: number; scalars: ReadonlyMap<string, number> }[]): void {
    this.append(
      points.map(({ step, scalars }) => event(step, message(5, Buffer.concat(values(scalars))))),
    );
  }

  private append(events: readonly Uint8Array[]): void {
    if (events.length === 0) return;
    try {
      appendFileSync(this.path, Buffer.concat(events.map(record)));
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }
}

/** A time later than that of every file in the folder: TensorBoard reads files in the order of their names. */
function nextSecond(folder: string): string {
  const before = readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number.parseInt(name.slice(prefix.length), 10))
    .filter(Number.isFinite);
  const second = Math.max(Math.floor(Date.now() / 1000), ...before.map((each) => each + 1));
  return String(second).padStart(10, "0");
}

function event(step: number, what: Uint8Array): Uint8Array {
  const wallTime = Buffer.alloc(8);
  wallTime.writeDoubleLE(Date.now() / 1000);
  return Buffer.concat([
    Buffer.from(key(1, doubleType)),
    wallTime,
    Buffer.from([...key(2, varintType), ...varint(step)]),
    what,
  ]);
}

function values(scalars: ReadonlyMap<string, number>): Uint8Array[] {
  return [...scalars].map(([tag, scalar]) => {
    const float = Buffer.alloc(4);
    float.writeFloatLE(scalar);
    return message(1, Buffer.concat([text(1, tag), Buffer.from(key(2, floatType)), float]));
  });
}

// Protocol Buffers' wire types.
const [varintType, doubleType, bytesType, floatType] = [0, 1, 2, 5];

function key(field: number, type: number): number[] {
  return varint(field * 8 + type);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function message(field: number, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([...key(field, bytesType), ...varint(body.length)]), body]);
}

function text(field: number, value: string): Uint8Array {
  return message(field, Buffer.from(value, "utf8"));
}

/** Length, its checksum, the data, its checksum (tensorflow/core/lib/io/record_writer.h). */
function record(data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(BigInt(data.length));
  header.writeUInt32LE(maskedCrc(header.subarray(0, 8)), 8);
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(maskedCrc(data));
  return Buffer.concat([header, data, footer]);
}

/** TFRecord's masking: a CRC of data that contains CRCs would be a weak checksum. */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C remainder of each byte; Castagnoli's polynomial, bits reversed. */
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
  }
  return remainder;
});

function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc = (crc >>> 8) ^ (remainders[(crc ^ byte) & 0xff] as number);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
