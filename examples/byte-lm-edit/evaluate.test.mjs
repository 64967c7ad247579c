// node --test: the evaluator on models whose value is known, and on artifacts that are none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bitsPerByte, readModel } from './evaluate.mjs';

const text = Uint8Array.from({ length: 2000 }, (_, i) => [97, 98, 99, 100][i % 4]);

function artifact(context, layers, numbers) {
  const header = Buffer.from(JSON.stringify({ context, layers }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, Buffer.from(new Float32Array(numbers).buffer)]);
}
const EMBED = { kind: 'embed', width: 1 };
const OUT = { kind: 'linear', outputs: 256 };

test('a model that knows nothing needs eight bits', () => {
  const model = readModel(artifact(1, [EMBED, OUT], new Array(256 + 512).fill(0)));
  assert.ok(Math.abs(bitsPerByte(model, text) - 8) < 1e-6);
});

test('a bias that leaves four bytes needs two bits', () => {
  const bias = Array.from({ length: 256 }, (_, byte) => (byte >= 97 && byte <= 100 ? 50 : 0));
  const model = readModel(artifact(1, [EMBED, OUT], [...new Array(512).fill(0), ...bias]));
  assert.ok(Math.abs(bitsPerByte(model, text) - 2) < 1e-6);
});

test('a table that has learnt the cycle needs none', () => {
  const weight = new Array(256 * 256).fill(0);
  for (const [byte, after] of [[97, 98], [98, 99], [99, 100], [100, 97]]) weight[byte * 256 + after] = 50;
  const layers = [EMBED, OUT, { kind: 'table', bytes: 1, rows: 256 }];
  const model = readModel(artifact(1, layers, [...new Array(256 + 512).fill(0), ...weight]));
  assert.ok(bitsPerByte(model, text) < 1e-6);
});

test('every kind of layer computes what it says', () => {
  const layers = [
    { kind: 'embed', width: 2 },
    { kind: 'norm' },
    { kind: 'residual', from: 0 },
    ...['relu', 'tanh', 'gelu', 'silu'].map((kind) => ({ kind })),
    OUT,
  ];
  // The embedding is (3, -1), so the norm gives (3, -1) / sqrt(5), and only the first number passes relu.
  const embedding = Array.from({ length: 512 }, (_, i) => (i % 2 === 0 ? 3 : -1));
  const first = Math.tanh(3 + 3 / Math.sqrt(5 + 1e-6));
  const gelu = 0.5 * first * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (first + 0.044715 * first ** 3)));
  const silu = gelu / (1 + Math.exp(-gelu));
  const weight = Array.from({ length: 512 }, (_, i) => (i >= 97 && i <= 100 ? 1 : 0));
  const model = readModel(artifact(1, layers, [...embedding, 1, 1, ...weight, ...new Array(256).fill(0)]));
  const expected = Math.log2(252 + 4 * Math.exp(silu)) - silu / Math.LN2;
  assert.ok(Math.abs(bitsPerByte(model, text) - expected) < 1e-4);
});

test('a NaN in the numbers reaches the metric', () => {
  const numbers = new Array(256 + 512).fill(0);
  numbers[0] = numbers[97] = NaN;
  assert.ok(Number.isNaN(bitsPerByte(readModel(artifact(1, [EMBED, { kind: 'relu' }, OUT], numbers)), text)));
});

for (const [what, context, layers, count, message] of [
  ['a layer of an unknown kind', 1, [EMBED, { kind: 'eval' }, OUT], 768, /no known kind: eval/],
  ['a kind that is a name of Object', 1, [EMBED, { kind: 'constructor' }, OUT], 768, /no known kind/],
  ['too few numbers', 1, [EMBED, OUT], 767, /need 768 numbers, and 767/],
  ['a context that is too long', 65, [EMBED, OUT], 768, /context must be 1 to 64/],
  ['no embedding at the start', 1, [OUT], 512, /first layer must be embed/],
  ['logits that are not 256', 1, [EMBED, { kind: 'linear', outputs: 8 }], 272, /gives 8 numbers/],
  ['a residual from a later layer', 1, [EMBED, { kind: 'residual', from: 1 }, OUT], 768, /from must be 0 to 0/],
  ['more products than are evaluated', 64, [{ kind: 'embed', width: 512 }, OUT], 0, /multiplications a byte/],
]) {
  test(`${what} is refused`, () => {
    assert.throws(() => readModel(artifact(context, layers, new Array(count).fill(0))), message);
  });
}

test('bytes that are no artifact are refused', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(100, 255), Buffer.from([2, 0, 0, 0, 123, 34])]) {
    assert.throws(() => readModel(bytes));
  }
});
