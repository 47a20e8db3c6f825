/**
 * OpenKBP's own files (Babier et al., Medical Physics 48, 5549, 2021): sparse voxels as text. A patient's folder has ct.csv,
 * voxel_dimensions.csv and a file for each organ; other files (dose, targets) are left alone.
 *
 * An image's file begins with ",data" and has a line "index,value" for each voxel that is not 0, an organ's "index," for each
 * voxel of it. An index counts through 128³ voxels whose axes run from front to back, from right to left and, fastest, from head
 * to feet. Values of a CT are HU + 1000. The dimensions are three numbers of mm, a line each, in the axes' order.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError, Volume } from "../../../dist/index.js";

/** Names of the organs, by their label. */
export const organNames = new Map([
  [1, "Brainstem"],
  [2, "SpinalCord"],
  [3, "RightParotid"],
  [4, "LeftParotid"],
  [5, "Esophagus"],
  [6, "Larynx"],
  [7, "Mandible"],
]);

const edge = 128;
const air = -1000;

/**
 * A patient as volumes, stored LPS, the first voxel's place such that the middle is at 0.
 * @returns { image: int16 HU, labels: uint8 }; an organ without a file has no voxel. Where two organs share a voxel, the one of the
 * greater label has it.
 * @throws InputError for files that are missing, damaged or cut off.
 */
export async function readPatient(folder) {
  const geometry = geometryOf(readSpacing(join(folder, "voxel_dimensions.csv")));
  const hu = new Int16Array(edge ** 3).fill(air);
  readVoxels(join(folder, "ct.csv"), (voxel, value) => {
    hu[voxel] = value + air;
  });
  const labels = new Uint8Array(edge ** 3);
  for (const [label, name] of organNames) {
    const path = join(folder, `${name}.csv`);
    if (isFile(path)) readVoxels(path, (voxel) => labels.fill(label, voxel, voxel + 1), true);
  }
  const image = await Volume.fromArray(hu, geometry);
  try {
    return { image, labels: await Volume.fromArray(labels, geometry) };
  } catch (error) {
    image.close();
    throw error;
  }
}

export const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function bad(path, what) {
  return new InputError(
    "BAD_VOLUME",
    `${path}: ${what} The file is damaged or cut off: get it again.`,
  );
}

function textOf(path) {
  if (!isFile(path)) throw new InputError("FILE_NOT_FOUND", `${path}: no such file.`);
  return readFileSync(path, "utf8");
}

/** mm along (z, y, x). */
function readSpacing(path) {
  const [y, x, z, ...more] = textOf(path).trim().split(/\s+/).map(Number);
  const isLength = (mm) => mm > 0 && mm < 100;
  if (more.length > 0 || ![z, y, x].every(isLength)) throw bad(path, "not three lengths in mm.");
  return [z, y, x];
}

function geometryOf([z, y, x]) {
  const middle = (edge - 1) / 2;
  const affine = [-x, 0, 0, x * middle, 0, -y, 0, y * middle, 0, 0, z, -z * middle, 0, 0, 0, 1];
  return { shape: [edge, edge, edge], affine };
}

/** Calls `set(voxel of (z, y, x), value)` for every line; an organ's have no value. */
function readVoxels(path, set, isMask = false) {
  const text = textOf(path);
  const [header, ...lines] = text.split("\n");
  if (header.trimEnd() !== ",data") throw bad(path, 'does not begin with ",data".');
  if (!text.endsWith("\n")) throw bad(path, `its last line, "${lines.at(-1)}", has no end.`);
  lines.pop();
  if (lines.length === 0) throw bad(path, "has no voxel.");
  const pattern = isMask ? /^(\d+),\r?$/ : /^(\d+),(-?\d+(?:\.\d+)?)\r?$/;
  for (const [i, line] of lines.entries()) {
    const [, digits, value] = pattern.exec(line) ?? [];
    const index = Number(digits);
    if (!(index < edge ** 3)) throw bad(path, `line ${i + 2}, "${line}", names no voxel.`);
    const [y, x, down] = [index >> 14, (index >> 7) & 127, index & 127];
    set(((edge - 1 - down) * edge + y) * edge + x, Math.round(Number(value)));
  }
}
