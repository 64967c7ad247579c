// Matrix products, where nearly all the time goes. JavaScript has no vector instructions but WebAssembly does, so the
// inner loop is assembled here, byte by byte, with no build step: some three times the speed of the best plain loop.

const ARENA_PAGES = 512; // 32 MB, claimed by the system only as it is touched; the largest legal model needs a third

/** LEB128, the numbers of WebAssembly, in a form that reads the same signed and unsigned. */
function leb(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    const isLast = rest < 64;
    bytes.push(isLast ? rest : (rest & 127) | 128);
    if (isLast) return bytes;
  }
}

/** (a, aRow, aColumn, b, out, rows, columns, depth): addresses and strides of `a` in bytes, then counts. */
function assemble() {
  const [A, A_ROW, A_COLUMN, B, OUT, ROWS, , DEPTH] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [I, J, K, PB, PO, STRIDE, PA] = [8, 9, 10, 11, 12, 13, 14]; // PA: four pointers, one a row of the block
  const [SUM, B0, B1, SPLAT] = [18, 26, 27, 28]; // SUM: eight vectors, 4 rows by 8 columns
  const get = (local) => [0x20, ...leb(local)];
  const set = (local) => [0x21, ...leb(local)];
  const constant = (value) => [0x41, ...leb(value)];
  const add = [0x6a];
  const times = [0x6c];
  const loop = (body, repeatIf) => [0x03, 0x40, ...body, ...repeatIf, 0x0d, 0x00, 0x0b];
  const load = (offset) => [0xfd, 0x00, 2, ...leb(offset)];
  const splat = [0xfd, 0x09, 2, 0];
  const store = (offset) => [0xfd, 0x0b, 2, ...leb(offset)];
  const vectorAdd = [0xfd, 0xe4, 0x01];
  const vectorTimes = [0xfd, 0xe6, 0x01];
  const zero = [0xfd, 0x0c, ...new Array(16).fill(0)];
  const rows = [0, 1, 2, 3];

  const multiplyAdd = (sum, b) => [...get(sum), ...get(SPLAT), ...get(b), ...vectorTimes, ...vectorAdd, ...set(sum)];
  const inner = [
    ...get(PB), ...load(0), ...set(B0),
    ...get(PB), ...load(16), ...set(B1),
    ...rows.flatMap((row) => [
      ...get(PA + row), ...splat, ...set(SPLAT),
      ...multiplyAdd(SUM + 2 * row, B0),
      ...multiplyAdd(SUM + 2 * row + 1, B1),
      ...get(PA + row), ...get(A_COLUMN), ...add, ...set(PA + row),
    ]),
    ...get(PB), ...get(STRIDE), ...add, ...set(PB),
    ...get(K), ...constant(1), 0x6b, ...set(K),
  ];
  const block = [
    ...get(A), ...get(I), ...get(A_ROW), ...times, ...add, ...set(PA),
    ...[1, 2, 3].flatMap((row) => [...get(PA + row - 1), ...get(A_ROW), ...add, ...set(PA + row)]),
    ...get(B), ...get(J), ...add, ...set(PB),
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((index) => [...zero, ...set(SUM + index)]),
    ...get(DEPTH), ...set(K),
    ...loop(inner, get(K)),
    ...get(OUT), ...get(I), ...get(STRIDE), ...times, ...add, ...get(J), ...add, ...set(PO),
    ...rows.flatMap((row) => [
      ...get(PO), ...get(SUM + 2 * row), ...store(0),
      ...get(PO), ...get(SUM + 2 * row + 1), ...store(16),
      ...get(PO), ...get(STRIDE), ...add, ...set(PO),
    ]),
    ...get(J), ...constant(32), ...add, ...set(J),
  ];
  const body = [
    ...[2, 10, 0x7f, 11, 0x7b], // locals: ten i32, eleven v128
    ...get(6), ...constant(2), 0x74, ...set(STRIDE),
    ...constant(0), ...set(I),
    ...loop(
      [...constant(0), ...set(J), ...loop(block, [...get(J), ...get(STRIDE), 0x49]), ...get(I), ...constant(4), ...add, ...set(I)],
      [...get(I), ...get(ROWS), 0x49],
    ),
    0x0b,
  ];
  const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
  const name = (text) => [text.length, ...Buffer.from(text)];
  return new Uint8Array([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 8, ...new Array(8).fill(0x7f), 0]),
    ...section(2, [1, ...name('m'), ...name('m'), 0x02, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('multiply'), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

/**
 * out[m][n] = sum over k of a[m * aRow + k * aColumn] * b[k][n]; rows a multiple of 4, columns of 8, depth above 0.
 * The strides let a matrix be read transposed without a copy. Operands must come from the kernel's own `alloc`.
 */
export function createSimdKernel() {
  const memory = new WebAssembly.Memory({ initial: ARENA_PAGES });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble()), { m: { m: memory } });
  const run = instance.exports.multiply;
  let used = 0;
  return {
    alloc(length) {
      const array = new Float32Array(memory.buffer, used, length);
      used += Math.ceil(length / 16) * 64;
      return array;
    },
    multiply(a, aRow, aColumn, b, out, rows, columns, depth) {
      run(a.byteOffset, aRow * 4, aColumn * 4, b.byteOffset, out.byteOffset, rows, columns, depth);
    },
  };
}

/** The same in double precision and plain words: what the other is tested against. */
export function createPlainKernel() {
  return {
    alloc: (length) => new Float64Array(length),
    multiply(a, aRow, aColumn, b, out, rows, columns, depth) {
      for (let m = 0; m < rows; m++) {
        for (let n = 0; n < columns; n++) {
          let sum = 0;
          for (let k = 0; k < depth; k++) sum += a[m * aRow + k * aColumn] * b[k * columns + n];
          out[m * columns + n] = sum;
        }
      }
    },
  };
}
