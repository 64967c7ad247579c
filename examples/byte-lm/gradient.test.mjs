// node --test: the hand-written backward pass against finite differences, and the assembled kernel against a plain one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DEFAULTS } from './config.mjs';
import { createPlainKernel, createSimdKernel } from './kernel.mjs';
import { createModel, MAX_CONTEXT, packModel, randomFrom, unpackModel } from './model.mjs';

const SMALL = { context: 3, embed_dim: 8, hidden: 16, depth: 3, init_scale: 1, dropout: 0, batch_size: 8 };
const text = Uint8Array.from(Buffer.from('# Title\n\nSome words, `code` and more words to be predicted from words.\n'));
const positions = Int32Array.from({ length: 8 }, (_, i) => MAX_CONTEXT + 4 * i);

for (const activation of ['relu', 'gelu', 'tanh']) {
  test(`the gradient of every tensor agrees with finite differences (${activation})`, () => {
    const model = createModel({ ...SMALL, activation }, 7, createPlainKernel());
    model.lossAndGradient(text, positions);
    const gradient = model.gradient.slice();
    const random = randomFrom(3);
    for (const { name, offset, rows, columns } of model.tensors) {
      let checked = 0;
      for (let tries = 0; checked < 12 && tries < 5000; tries++) {
        const index = offset + Math.floor(random() * rows * columns);
        if (gradient[index] === 0) continue; // an embedding of a byte that does not occur, a closed relu
        const kept = model.theta[index];
        const h = 1e-5;
        model.theta[index] = kept + h;
        const up = model.lossAndGradient(text, positions);
        model.theta[index] = kept - h;
        const down = model.lossAndGradient(text, positions);
        model.theta[index] = kept;
        const numeric = (up - down) / (2 * h);
        const error = Math.abs(numeric - gradient[index]) / Math.max(1e-4, Math.abs(numeric));
        assert.ok(error < 1e-4, `${name}[${index - offset}]: ${gradient[index]} by hand, ${numeric} by differences`);
        checked++;
      }
      assert.equal(checked, 12, `${name} has too few parameters with a gradient`);
    }
  });
}

test('with dropout the gradient is that of the masked network', () => {
  const model = createModel({ ...SMALL, activation: 'gelu', dropout: 0.4 }, 7, createPlainKernel());
  const loss = () => model.lossAndGradient(text, positions, randomFrom(11));
  loss();
  const { offset } = model.tensors.find((tensor) => tensor.name === 'weight1');
  const gradient = model.gradient.slice(offset, offset + 64);
  for (let i = 0; i < 64; i++) {
    model.theta[offset + i] += 1e-5;
    const up = loss();
    model.theta[offset + i] -= 2e-5;
    const down = loss();
    model.theta[offset + i] += 1e-5;
    assert.ok(Math.abs((up - down) / 2e-5 - gradient[i]) < 1e-7);
  }
  assert.ok(gradient.some((value) => Math.abs(value) > 1e-4));
});

test('the assembled kernel gives the plain kernel’s loss and gradient', () => {
  const config = { ...SMALL, activation: 'tanh' };
  const fast = createModel(config, 5, createSimdKernel());
  const plain = createModel(config, 5, createPlainKernel());
  assert.ok(Math.abs(fast.lossAndGradient(text, positions) - plain.lossAndGradient(text, positions)) < 1e-5);
  fast.gradient.forEach((value, i) => assert.ok(Math.abs(value - plain.gradient[i]) < 1e-6, `parameter ${i}`));
});

test('a NaN in the parameters reaches the loss with every activation', () => {
  for (const activation of ['relu', 'gelu', 'tanh']) {
    const model = createModel({ ...SMALL, activation }, 5);
    model.theta.fill(NaN);
    assert.ok(Number.isNaN(model.lossAndGradient(text, positions)), activation);
  }
});

test('a checkpoint gives back the same parameters', () => {
  const model = createModel({ ...SMALL, activation: 'relu' }, 5);
  const copy = unpackModel(packModel(model), 16);
  assert.deepEqual(copy.theta, model.theta);
});

test('the defaults of a run by hand are those of the menu', () => {
  const menu = readFileSync(new URL('nightshift.yaml', import.meta.url), 'utf8');
  const defaults = [...menu.matchAll(/^ {4}(\w+): \{.* default: ([\w.-]+)/gm)].map(([, name, value]) => [
    name,
    Number.isNaN(Number(value)) ? value : Number(value),
  ]);
  assert.deepEqual(Object.fromEntries(defaults), DEFAULTS);
});
