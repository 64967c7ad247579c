/**
 * Lower Cholesky factor of a symmetric positive definite matrix (row-major, n by n), in place of its lower triangle.
 * A pivot that rounding pushed below zero is lifted to `floor`; returns the factor, whose upper triangle is meaningless.
 */
export function cholesky(matrix: Float64Array, n: number, floor = 1e-10): Float64Array {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = matrix[row + j] as number;
      for (let k = 0; k < j; k++) sum -= (matrix[row + k] as number) * (matrix[other + k] as number);
      matrix[row + j] = i === j ? Math.sqrt(Math.max(sum, floor)) : sum / (matrix[other + j] as number);
    }
  }
  return matrix;
}

/** Solves L v = b for the leading `count` rows, in place. */
export function solveLower(factor: Float64Array, n: number, b: Float64Array, count = n): Float64Array {
  for (let i = 0; i < count; i++) {
    const row = i * n;
    let sum = b[i] as number;
    for (let k = 0; k < i; k++) sum -= (factor[row + k] as number) * (b[k] as number);
    b[i] = sum / (factor[row + i] as number);
  }
  return b;
}

/** Solves transpose(L) v = b for the leading `count` rows, in place. */
export function solveUpper(factor: Float64Array, n: number, b: Float64Array, count = n): Float64Array {
  for (let i = count - 1; i >= 0; i--) {
    const value = (b[i] as number) / (factor[i * n + i] as number);
    b[i] = value;
    const row = i * n;
    for (let k = 0; k < i; k++) b[k] = (b[k] as number) - (factor[row + k] as number) * value;
  }
  return b;
}

/** The inverse of L transpose(L), lower triangle only (row-major). */
export function inverseFromFactor(factor: Float64Array, n: number): Float64Array {
  const inverseLower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const pivot = 1 / (factor[row + i] as number);
    for (let k = 0; k < i; k++) {
      const weight = (factor[row + k] as number) * pivot;
      const other = k * n;
      for (let j = 0; j <= k; j++)
        inverseLower[row + j] = (inverseLower[row + j] as number) - weight * (inverseLower[other + j] as number);
    }
    inverseLower[row + i] = pivot;
  }
  const out = new Float64Array(n * n);
  // Row by row of the factor's inverse, so that memory is read in order.
  for (let k = 0; k < n; k++) {
    const row = k * n;
    for (let i = 0; i <= k; i++) {
      const left = inverseLower[row + i] as number;
      const target = i * n;
      for (let j = 0; j <= i; j++)
        out[target + j] = (out[target + j] as number) + left * (inverseLower[row + j] as number);
    }
  }
  return out;
}
