/** Makes NIfTI-1 files, good ones and bad ones, field by field. */

export interface Fields {
  /** dim[0], dim[1], …; [3, 40, 40, 40] if not given. */
  dim?: number[];
  /** pixdim[1], pixdim[2], pixdim[3]. */
  spacing?: number[];
  /** The sform's rows; without them spacing alone says where voxels lie. */
  sform?: number[][];
  /** 4 (int16) if not given; 2 is uint8, 16 float32, 128 RGB. */
  datatype?: number;
  /** Value of the voxel at (x, y, z). */
  value?: (x: number, y: number, z: number) => number;
}

const bytesPerVoxel: Record<number, number> = { 2: 1, 4: 2, 16: 4, 128: 3 };

/** A head of 500 HU in air, 40³ voxels of 6 mm unless the fields say otherwise. */
export function nifti(fields: Fields = {}): Buffer {
  const { dim = [3, 40, 40, 40], spacing = [6, 6, 6], datatype = 4, value = head } = fields;
  const bytes = bytesPerVoxel[datatype] ?? 2;
  const voxels = dim.slice(1).reduce((product, length) => product * length, 1);
  const file = Buffer.alloc(352 + voxels * bytes);
  file.writeInt32LE(348, 0);
  for (let i = 0; i < 8; i++) file.writeInt16LE(dim[i] ?? 1, 40 + 2 * i);
  file.writeInt16LE(datatype, 70);
  file.writeInt16LE(8 * bytes, 72);
  file.writeFloatLE(1, 76);
  for (let i = 0; i < 3; i++) file.writeFloatLE(spacing[i] ?? 1, 80 + 4 * i);
  file.writeFloatLE(352, 108);
  file.writeFloatLE(1, 112);
  file.writeInt16LE(fields.sform ? 1 : 0, 254);
  for (const [i, number] of (fields.sform ?? []).flat().entries())
    file.writeFloatLE(number, 280 + 4 * i);
  file.write("n+1\0", 344, "latin1");
  const [, width = 1, height = 1] = dim;
  for (let i = 0; i < voxels; i++) {
    const number = value(
      i % width,
      Math.floor(i / width) % height,
      Math.floor(i / (width * height)),
    );
    if (datatype === 2) file.writeUInt8(number, 352 + i);
    else if (datatype === 4) file.writeInt16LE(number, 352 + 2 * i);
    else if (datatype === 16) file.writeFloatLE(number, 352 + 4 * i);
  }
  return file;
}

function head(x: number, y: number, z: number): number {
  return Math.hypot(x - 20, y - 20, z - 20) < 15 ? 500 + x + y + z : -1000;
}
