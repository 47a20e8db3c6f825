/** 4×4 matrices as 16 numbers, row-major, acting on column vectors (x, y, z, 1). */
export type Affine = readonly number[];

/** The first three components of matrix · (x, y, z, 1). */
export function apply(matrix: Affine, [x, y, z]: readonly number[]): [number, number, number] {
  const row = (r: number) =>
    at(matrix, 4 * r) * (x ?? 0) +
    at(matrix, 4 * r + 1) * (y ?? 0) +
    at(matrix, 4 * r + 2) * (z ?? 0) +
    at(matrix, 4 * r + 3);
  return [row(0), row(1), row(2)];
}

/** The inverse of an affine map: last row (0, 0, 0, 1), regular 3×3 part. */
export function invert(matrix: Affine): number[] {
  const m = (r: number, c: number) => at(matrix, 4 * r + c);
  const cofactor = (r: number, c: number) => {
    const [r1, r2] = [(r + 1) % 3, (r + 2) % 3];
    const [c1, c2] = [(c + 1) % 3, (c + 2) % 3];
    return m(r1, c1) * m(r2, c2) - m(r1, c2) * m(r2, c1);
  };
  const determinant =
    m(0, 0) * cofactor(0, 0) + m(0, 1) * cofactor(0, 1) + m(0, 2) * cofactor(0, 2);
  const result = new Array<number>(16).fill(0);
  result[15] = 1;
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c < 3; c++) result[4 * r + c] = cofactor(c, r) / determinant;
  }
  for (let r = 0; r < 3; r++) {
    result[4 * r + 3] = -[0, 1, 2].reduce((sum, c) => sum + at(result, 4 * r + c) * m(c, 3), 0);
  }
  return result;
}

function at(matrix: readonly number[], index: number): number {
  return matrix[index] as number;
}
