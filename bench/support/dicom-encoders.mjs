/**
 * Slices of 12 bits in the compressed transfer syntaxes. JPEG-LS, JPEG 2000 and HTJ2K by the codecs' own encoders; RLE (PS3.5
 * annex G) and lossless JPEG (ITU-T T.81, predictor 1), which have none, by the few lines here.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const bits = 12;

/** name → { uid, make: async () → (samples: Uint16Array, rows, columns) → Uint8Array }; `make` missing: native. */
export const syntaxes = {
  uncompressed: { uid: "1.2.840.10008.1.2.1" },
  RLE: { uid: "1.2.840.10008.1.2.5", make: async () => encodeRle },
  "JPEG lossless": { uid: "1.2.840.10008.1.2.4.70", make: async () => encodeJpeg },
  "JPEG-LS": {
    uid: "1.2.840.10008.1.2.4.80",
    make: () =>
      wasmEncoder("codec-charls", "JpegLSEncoder", (encoder) => encoder.setNearLossless(0)),
  },
  "JPEG 2000": {
    uid: "1.2.840.10008.1.2.4.90",
    make: () =>
      wasmEncoder("codec-openjpeg", "J2KEncoder", (encoder) => encoder.setQuality(true, 0)),
  },
  HTJ2K: {
    uid: "1.2.840.10008.1.2.4.201",
    make: () =>
      wasmEncoder("codec-openjph", "HTJ2KEncoder", (encoder) => encoder.setQuality(true, 0)),
  },
};

async function wasmEncoder(name, type, configure) {
  const at = (part) => require.resolve(`@cornerstonejs/${name}/${part}`);
  const quiet = { print() {}, printErr() {} };
  const codec = await require(at("wasmjs"))({ wasmBinary: readFileSync(at("wasm")), ...quiet });
  return (samples, rows, columns) => {
    const encoder = new codec[type]();
    const frame = { width: columns, height: rows, bitsPerSample: bits, componentCount: 1 };
    const isSigned = { isSigned: false, isUsingColorTransform: false };
    encoder.getDecodedBuffer({ ...frame, ...isSigned }).set(new Uint8Array(samples.slice().buffer));
    configure(encoder);
    encoder.encode();
    const encoded = Uint8Array.from(encoder.getEncodedBuffer());
    encoder.delete();
    return encoded;
  };
}

function encodeRle(samples) {
  const header = Buffer.alloc(64);
  const parts = [header];
  let place = header.length;
  header.writeUInt32LE(2, 0);
  for (const [i, shift] of [8, 0].entries()) {
    header.writeUInt32LE(place, 4 * (i + 1));
    const packed = packBits(new Uint8Array(samples.map((sample) => sample >> shift)));
    parts.push(packed);
    place += packed.length;
  }
  return Buffer.concat(parts);
}

function packBits(plane) {
  const out = Buffer.alloc(2 * plane.length + 2);
  let size = 0;
  for (let at = 0; at < plane.length; ) {
    let run = 1;
    while (run < 128 && plane[at + run] === plane[at]) run++;
    if (run > 2) {
      out[size++] = 257 - run;
      out[size++] = plane[at];
    } else {
      for (run = 1; run < 128 && at + run < plane.length; run++) {
        const next = plane[at + run];
        if (next === plane[at + run + 1] && next === plane[at + run + 2]) break;
      }
      out[size++] = run - 1;
      out.set(plane.subarray(at, at + run), size);
      size += run;
    }
    at += run;
  }
  return out.subarray(0, size + (size % 2));
}

/** Bits of a code for each category of differences 0 … 16, short ones for those that noise has. */
const codeLengths = [3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];

function encodeJpeg(samples, rows, columns) {
  const codes = canonicalCodes();
  const out = [...[0xff, 0xd8, 0xff, 0xc3, 0, 11, bits], ...words(rows, columns), 1, 1, 0x11, 0];
  const counts = Array.from(
    { length: 16 },
    (_, i) => codeLengths.filter((l) => l === i + 1).length,
  );
  out.push(0xff, 0xc4, ...words(2 + 17 + codeLengths.length), 0, ...counts, ...codeLengths.keys());
  out.push(0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0);
  let word = 0;
  let held = 0;
  const put = (value, count) => {
    word = (word << count) | value;
    held += count;
    while (held >= 8) {
      held -= 8;
      const byte = (word >> held) & 255;
      out.push(byte);
      if (byte === 255) out.push(0);
    }
    word &= (1 << held) - 1;
  };
  for (let i = 0; i < samples.length; i++) {
    const before = i === 0 ? 1 << (bits - 1) : samples[i % columns === 0 ? i - columns : i - 1];
    const difference = samples[i] - before;
    const category = 32 - Math.clz32(Math.abs(difference));
    put(codes[category], codeLengths[category]);
    put((difference < 0 ? difference - 1 : difference) & ((1 << category) - 1), category);
  }
  if (held > 0) put((1 << (8 - held)) - 1, 8 - held);
  out.push(0xff, 0xd9);
  return Buffer.from(out);
}

function words(...values) {
  return values.flatMap((value) => [value >> 8, value & 255]);
}

function canonicalCodes() {
  let code = 0;
  return codeLengths.map((length, i) => {
    if (i > 0) code = (code + 1) << (length - codeLengths[i - 1]);
    return code;
  });
}
