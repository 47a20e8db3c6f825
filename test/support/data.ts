/** Conformance data: where it lies and how its tensors are read (test/conformance/data/README.md). */
import { fileURLToPath } from "node:url";
import { Checkpoint } from "../../lib/index.js";

const folder = new URL("../conformance/data/", import.meta.url);

export function conformance(path: string): string {
  return fileURLToPath(new URL(path, folder));
}

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Float32Array,
  BF16: Float32Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** The tensors of a safetensors file, as numbers. */
export class TensorFile {
  private constructor(private readonly checkpoint: Checkpoint) {}

  static async open(path: string): Promise<TensorFile> {
    return new TensorFile(await Checkpoint.open(conformance(path)));
  }

  has(name: string): boolean {
    return this.checkpoint.tensors.some((tensor) => tensor.name === name);
  }

  get names(): string[] {
    return this.checkpoint.tensors.map(({ name }) => name);
  }

  shape(name: string): number[] {
    const tensor = this.checkpoint.tensors.find((entry) => entry.name === name);
    if (!tensor) throw new Error(`no tensor ${name}`);
    return tensor.shape;
  }

  async read(name: string): Promise<number[]> {
    const tensor = this.checkpoint.tensors.find((entry) => entry.name === name);
    if (!tensor) throw new Error(`no tensor ${name}`);
    return Array.from(new arrays[tensor.dtype](await this.checkpoint.tensor(name)), Number);
  }

  async floats(name: string): Promise<Float32Array> {
    return Float32Array.from(await this.read(name));
  }
}

/** The greatest absolute difference; NaN counts as infinite. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length}`);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= largest))
      largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** Row-major offset of an index into an array of this shape. */
export function offset(shape: readonly number[], index: readonly number[]): number {
  return shape.reduce((sum, extent, axis) => sum * extent + (index[axis] as number), 0);
}
