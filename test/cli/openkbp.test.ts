/** The benchmark on OpenKBP's patients, on the head of a phantom in the published layout. */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makePhantom } from "../../lib/index.js";
import { runScript } from "../support/script.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "medlsam-openkbp-"));
afterAll(() => rmSync(folder, { recursive: true }));
const data = join(folder, "open-kbp");
/** The patient that templates are made of, and the one that is measured. */
const [support, measured] = ["pt_17", "pt_4"] as const;
const patient = (name: string) => join(data, "provided-data/train-pats", name);

const edge = 128;
const spacing = 5;
/** Organs of a phantom under names of the data set. */
const organs = new Map([
  ["Brainstem", "brain"],
  ["Mandible", "mandible"],
  ["RightParotid", "parotid_gland_right"],
]);

/** Index of a voxel of a phantom, (z from the feet, y from the front, x from the right), in the published order. */
const indexOf = (z: number, y: number, x: number) => (y * edge + x) * edge + (edge - 1 - z);
/** How far a phantom is moved along each axis: to the middle of the scan, where localizing begins. */
const shift = 30;

async function writePatient(name: string, seed: number): Promise<void> {
  const { image, labels, names } = await makePhantom({
    ...{ seed, region: "head", axes: "LPS" },
    spacing: [spacing, spacing, spacing],
  });
  const [depth, rows, columns] = image.shape;
  const [hu, values] = [await image.values(), await labels.stored()];
  const lines: Record<string, string[]> = { ct: [] };
  for (let z = 0, at = 0; z < depth; z++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++, at++) {
        const index = indexOf(z + shift, y + shift, x + shift);
        const value = Math.round(hu[at] as number) + 1000;
        if (value !== 0) lines.ct?.push(`${index},${value}.0`);
        for (const [organ, own] of organs) {
          if (names.get(Number(values[at])) !== own) continue;
          lines[organ] ??= [];
          lines[organ].push(`${index},`);
        }
      }
    }
  }
  mkdirSync(patient(name), { recursive: true });
  for (const [file, content] of Object.entries(lines)) {
    writeFileSync(join(patient(name), `${file}.csv`), `,data\n${content.join("\n")}\n`);
  }
  writeFileSync(
    join(patient(name), "voxel_dimensions.csv"),
    `${spacing}\n${spacing}\n${spacing}\n`,
  );
}

beforeAll(async () => {
  await writePatient(support, 20011);
  await writePatient(measured, 20012);
});

function openkbp(...args: string[]) {
  const all = ["bench/openkbp.mjs", "--supports", "1", "--patients", "1", ...args];
  const child = spawn(process.execPath, all, { cwd: root });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    said.stdout += text;
  });
  child.stderr.on("data", (text) => {
    said.stderr += text;
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, ...said }));
  });
}

it("reads the sparse voxels of a patient to the places that they have in the phantom", async () => {
  const { value, stderr } = await runScript(`
    import { readPatient } from ${JSON.stringify(new URL("../../bench/support/openkbp/csv.mjs", import.meta.url).href)};
    const { image, labels } = await readPatient(${JSON.stringify(patient(measured))});
    const [hu, organs] = [await image.stored(), await labels.stored()];
    const count = (label) => organs.reduce((sum, value) => sum + (value === label), 0);
    const sum = hu.reduce((all, value) => all + value + 1000, 0);
    const { axes, spacing, shape } = image;
    const counts = [1, 3, 7].map(count);
    console.log(JSON.stringify({ axes, spacing, shape, sum, counts, first: organs.indexOf(1) }));
  `);
  expect(stderr).toBe("");
  const phantom = await makePhantom({ seed: 20012, region: "head", axes: "LPS", spacing });
  const [hu, organsThere] = [await phantom.image.values(), await phantom.labels.stored()];
  const labelOf = (own: string) => [...phantom.names].find(([, name]) => name === own)?.[0];
  const count = (own: string) => organsThere.filter((each) => each === labelOf(own)).length;
  const at = organsThere.indexOf(labelOf("brain") as never);
  const [, rows, columns] = phantom.image.shape;
  const place = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
  expect(value).toEqual({
    ...{ axes: "LPS", spacing: [spacing, spacing, spacing], shape: [edge, edge, edge] },
    sum: hu.reduce((all, each) => all + Math.round(each) + 1000, 0),
    counts: [count("brain"), count("parotid_gland_right"), count("mandible")],
    first: place.reduce((index, each) => index * edge + each + shift, 0),
  });
});

it("prints the tables, and measures nothing again that is there", async () => {
  const output = join(folder, "results");
  const args = ["--data", data, "--output", output, "--steps", "boxes,masks,absent"];
  const first = await openkbp(...args);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain(`[1/1] train_${measured}: masks`);
  for (const title of ["Boxes: WPL, 1 support", "Masks", "Targets"]) {
    expect(first.stdout).toContain(`### ${title}`);
  }
  const row = /\| Brainstem +\| 1 +\| (0\.\d{3}) ± 0\.000/;
  expect(Number(row.exec(first.stdout)?.[1])).toBeGreaterThan(0.3);
  const again = await openkbp(...args);
  expect(again).toMatchObject({ code: 0, stderr: "" });
  const tables = (text: string) => text.slice(text.indexOf("###"));
  expect(tables(again.stdout)).toBe(tables(first.stdout));
});

it("names the patients that lack, the file that is cut off, and a folder that is another's", async () => {
  const lacking = await openkbp("--data", data, "--patients", "3");
  expect(lacking).toMatchObject({ code: 1, stdout: "" });
  expect(lacking.stderr).toMatch(/lacks ct\.csv .* of train_pt_13, train_pt_31\. Get the whole/);
  const none = await openkbp("--data", folder);
  expect(none.stderr).toContain(`${folder}: neither OpenKBP's folder`);

  const kept = join(folder, "kept");
  cpSync(patient(measured), kept, { recursive: true });
  const file = join(patient(measured), "ct.csv");
  const text = readFileSync(file, "utf8");
  const whole = [text.slice(0, 4000), "has no end"] as const;
  const damages = [whole, [`${text}2097152,5.0\n`, "names no voxel"], ["x\n", 'with ",data"']];
  for (const [content, told] of damages) {
    writeFileSync(file, content as string);
    const cut = await openkbp("--data", data, "--output", join(folder, "cut"), "--steps", "boxes");
    expect(cut.code).toBe(1);
    expect(cut.stderr).toContain(`openkbp: train_${measured}: ${file}: `);
    expect(cut.stderr).toContain(told);
    expect(cut.stderr).toContain("get it again");
  }
  cpSync(kept, patient(measured), { recursive: true });
});
