import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OutputError } from "../../lib/base/errors.js";
import { LearningCurve } from "../../lib/training/curve.js";
import type { CurveRecord, Panel } from "../../lib/training/plot.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "medlsam-curve-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const panels: Panel[] = [
  {
    title: "Loss <root>",
    scale: "log",
    series: [{ name: "training", of: ({ loss }) => loss, shown: Math.sqrt }],
  },
  { title: "Nothing", series: [{ name: "none", of: ({ never }) => never }] },
];
const begin = (step: number) => new LearningCurve(folder, step, "A & B", panels);
const steps = (from: number, to: number, loss: number): CurveRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ step: from + i, loss }));

/** CRC-32C bit by bit, unlike the writer's table. */
function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

/** The records' data, every checksum compared. */
function records(file: Buffer): Buffer[] {
  const unmask = (masked: number) => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const found: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(unmask(file.readUInt32LE(at + 8))).toBe(crc32c(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(unmask(file.readUInt32LE(at + 12 + length))).toBe(crc32c(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

type Field = number | Buffer;

/** A Protocol Buffers message: the values of each field in their order. */
function decode(data: Buffer): Map<number, Field[]> {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = data.readUInt8(at++);
      value += (byte & 127) * factor;
      factor *= 128;
      if (byte < 128) return value;
    }
  };
  const value = (type: number): Field => {
    if (type === 0) return varint();
    const length = type === 1 ? 8 : type === 5 ? 4 : varint();
    at += length;
    const bytes = data.subarray(at - length, at);
    if (type === 1) return bytes.readDoubleLE();
    return type === 5 ? bytes.readFloatLE() : bytes;
  };
  while (at < data.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    fields.set(field, [...(fields.get(field) ?? []), value(key % 8)]);
  }
  return fields;
}

interface Event {
  step: number;
  version?: string;
  sessionStatus?: number;
  scalars: [string, number][];
}

function events(): Event[][] {
  const files = readdirSync(folder).filter((name) => name.includes("tfevents"));
  return files.sort().map((name) =>
    records(readFileSync(join(folder, name))).map((data): Event => {
      const message = decode(data);
      const part = (field: number) => message.get(field)?.[0] as Buffer | undefined;
      expect(message.get(1)?.[0]).toBeGreaterThan(1.7e9);
      const session = part(7);
      const summary = part(5);
      return {
        step: message.get(2)?.[0] as number,
        ...(part(3) && { version: String(part(3)) }),
        ...(session && { sessionStatus: decode(session).get(1)?.[0] as number }),
        scalars: ((summary && decode(summary).get(1)) ?? []).map((value) => {
          const fields = decode(value as Buffer);
          return [String(fields.get(1)?.[0]), fields.get(2)?.[0] as number];
        }),
      };
    }),
  );
}

describe("a learning curve", () => {
  it("is TensorBoard events of every figure", () => {
    begin(0).add({ step: 1, loss: 2.5, rate: undefined }, { step: 300, epoch: 1, loss: 1.25 });
    expect(events()).toEqual([
      [
        { step: 0, version: "brain.Event:2", scalars: [] },
        { step: 1, sessionStatus: 1, scalars: [] },
        { step: 1, scalars: [["step/loss", 2.5]] },
        { step: 300, scalars: [["epoch/loss", 1.25]] },
      ],
    ]);
  });

  it("goes on after the checkpoint's step, in lines and in events", async () => {
    begin(0).add(...steps(1, 5, 4));
    const resumed = begin(3);
    resumed.add(...steps(4, 6, 1));
    const lines = readFileSync(resumed.path, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([...steps(1, 3, 4), ...steps(4, 6, 1)]);
    const [first, second] = events();
    expect(first?.map(({ step }) => step)).toEqual([0, 1, 1, 2, 3, 4, 5]);
    // A session that starts at step 4: what was there from step 4 on is dropped.
    expect(second?.map(({ step, sessionStatus }) => [step, sessionStatus])).toEqual([
      [0, undefined],
      [4, 1],
      ...[4, 5, 6].map((step) => [step, undefined]),
    ]);
  });

  it("drops a line that a killed run did not finish", () => {
    begin(0).add(...steps(1, 2, 4));
    const path = join(folder, "curve.jsonl");
    writeFileSync(path, `${readFileSync(path, "utf8")}{"step":2,"lo`);
    expect(readFileSync(begin(2).path, "utf8").split("\n")).toHaveLength(3);
  });

  it("is drawn on a page of its own, means and transformed as asked for", async () => {
    const curve = begin(0);
    await curve.plot();
    expect(existsSync(curve.page)).toBe(false);
    curve.add(...steps(1, 1000, 100), ...steps(1001, 2000, 10_000));
    await curve.plot();
    const page = readFileSync(curve.page, "utf8");
    expect(page).toContain("<h1>A &amp; B</h1>");
    expect(page).toContain("Loss &lt;root&gt;");
    expect(page).not.toContain("Nothing");
    expect(page).not.toMatch(/https?:|src=/);
    const [, path = ""] = page.match(/class="line s0" d="M([\d. L]+)"/) ?? [];
    const points = path.split("L").map((point) => point.split(" ").map(Number));
    expect(points).toHaveLength(400);
    const heights = [...new Set(points.map(([, y]) => y))];
    expect(heights).toHaveLength(2);
    // On a logarithmic axis from 10 to 100; the labels say where these are.
    for (const [value, y] of [
      [10, heights[0]],
      [100, heights[1]],
    ] as const) {
      const label = new RegExp(`y="${((y as number) + 4).toFixed(1)}" text-anchor="end">${value}<`);
      expect(page).toMatch(label);
    }
  });

  it("draws a line for each organ that validation names, with its last value", async () => {
    const each: Panel = { title: "Dice", series: [], each: "labelDice." };
    const curve = new LearningCurve(folder, 0, "SAM", [each]);
    const epoch = (step: number, first: number) =>
      curve.add({ step, epoch: step, "labelDice.2": first, "labelDice.11": 0 });
    epoch(1, 0.5);
    epoch(2, 0.75);
    await curve.plot();
    const page = readFileSync(curve.page, "utf8");
    expect(page.match(/class="line s\d+" d="M[^"]+"/g)).toHaveLength(2);
    expect(page).toContain('<span class="s0">2</span> 0.750, <span class="s1">11</span> 0.000');
  });

  it("says what cannot be written", async () => {
    const curve = begin(0);
    rmSync(curve.path, { force: true });
    mkdirSync(curve.path);
    expect(() => curve.add(...steps(1, 1, 1))).toThrow(OutputError);
    expect(() => curve.add(...steps(1, 1, 1))).toThrow(/curve\.jsonl: cannot be written/);
  });
});
