/**
 * A CT of 200 × 512² as a DICOM series in each transfer syntax, read in a process of its own, against ITK's reader in wasm:
 * MEDLSAM_ITK_WASM names a folder with node_modules/@itk-wasm/dicom (`npm install --prefix FOLDER @itk-wasm/dicom`).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { syntaxes } from "./support/dicom-encoders.mjs";
import { phantomSlices, seriesShape, writeSeries } from "./support/dicom-series.mjs";
import { printTable, quantity, seconds, verdict } from "./support/table.mjs";

const runs = 5;
const script = fileURLToPath(new URL("support/dicom-read.mjs", import.meta.url));
const volumeBytes = 2 * seriesShape.reduce((product, extent) => product * extent, 1);
/** Seconds that a syntax may take. */
const atMost = { uncompressed: 1, "JPEG-LS": 2.5, "JPEG 2000": 8 };

export async function bench({ threads, folder }) {
  const itk = process.env.MEDLSAM_ITK_WASM;
  if (!itk) console.log("No peer: MEDLSAM_ITK_WASM names no folder with @itk-wasm/dicom.\n");
  const slices = await phantomSlices();
  const rows = [];
  for (const [name, syntax] of Object.entries(syntaxes)) {
    const series = join(folder, name.replaceAll(" ", "-"));
    const files = await writeSeries(series, slices, syntax);
    for (const file of files) readFileSync(file); // a warm cache
    rows.push(measure(name, series, threads, itk !== undefined));
    rmSync(series, { recursive: true });
  }
  const size = `${seriesShape.join(" × ")}, ${quantity(volumeBytes, "B")}`;
  const ours = [
    `ours (best of ${runs})`,
    "its CPU time",
    "peak memory ÷ volume",
    "event loop's delay",
  ];
  printTable([size, ...ours, "ITK in wasm", "its CPU time", "ours ÷ ITK"], rows);
}

/** The best of runs in turn: on a shared machine the others are of its neighbors. */
function measure(name, series, threads, withPeer) {
  const ours = [];
  const itk = [];
  for (let run = 0; run < runs; run++) {
    ours.push(read("ours", series, threads));
    if (withPeer && run === itk.length && wantsMore(itk)) itk.push(read("itk", series, threads));
  }
  const [peer] = itk;
  if (peer && peer.sum !== ours[0].sum) throw new Error(`${name}: ours and ITK's values differ.`);
  const best = (found, key) => Math.min(...found.map((each) => each[key]));
  const time = best(ours, "seconds");
  const delay = best(ours, "delay");
  const limit = atMost[name];
  const taken = limit === undefined ? "" : ` (${time <= limit ? "≤" : "NOT ≤"} ${limit} s)`;
  return [
    name,
    seconds(time) + taken,
    seconds(best(ours, "cpu")),
    verdict(best(ours, "bytes") / volumeBytes, 3),
    `${seconds(delay)} (${delay <= 0.02 ? "≤" : "NOT ≤"} 20 ms)`,
    peer ? seconds(best(itk, "seconds")) : "none",
    peer ? seconds(best(itk, "cpu")) : "–",
    peer ? verdict(time / best(itk, "seconds"), 0.5) : "–",
  ];
}

/** One run of a slow peer tells enough. */
function wantsMore(found) {
  return found.every((each) => each !== undefined && each.seconds < 10);
}

/** undefined for a transfer syntax that ITK cannot read. */
function read(reader, series, threads) {
  try {
    const output = execFileSync(process.execPath, [script, reader, series, String(threads)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", reader === "ours" ? "inherit" : "ignore"],
    });
    return JSON.parse(output.trim().split("\n").at(-1));
  } catch (error) {
    if (reader === "ours") throw error;
    return undefined;
  }
}
