import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const COMMAND = fileURLToPath(new URL('objective.ts', import.meta.url));

function ask(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', COMMAND, ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('byte-lm has a menu like every other objective', () => {
  const { status, stdout } = ask('', 'byte-lm', '--menu');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    knobs: { lr: { default: 0.001 } },
    constraints: [{ id: 'input_fits' }, {}],
  });
});

test('byte-lm is trained for its metric, and a training that diverges exits 1 with what it said', () => {
  const { status, stdout } = ask('{"lr": 0.001}', 'byte-lm', '--seed', '1');
  expect(status).toBe(0);
  expect(Number(stdout)).toBeGreaterThan(1);
  expect(Number(stdout)).toBeLessThan(8);
  const diverged = ask('{"lr": 1, "warmup_fraction": 0}', 'byte-lm', '--seed', '1');
  expect(diverged).toMatchObject({ status: 1, stdout: '' });
  expect(diverged.stderr).toMatch(/^train\.mjs ended with 1: FAIL: training loss/);
});

test('a simulated objective has the same metric for the same seed, and another one without noise', () => {
  const [one, other, exact] = ['--seed=1', '--seed=1', '--exact'].map((arg) => ask('{}', 'gpt-surrogate', arg).stdout);
  expect(one).toBe(other);
  expect(one).not.toBe(exact);
});

test('help is the usage on standard output', () => {
  const { status, stdout } = ask('', '--help');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^usage: objective\.js gpt-surrogate\|.*\|byte-lm /);
});

test.each([
  [[], '{}', 'which objective?'],
  [['byte-llm'], '{}', 'no objective is called byte-llm; there are gpt-surrogate|'],
  [['byte-lm', 'branin-mixed'], '{}', 'one objective at a time, got byte-lm branin-mixed'],
  [['byte-lm', '--sed', '1'], '{}', "Unknown option '--sed'"],
  [['byte-lm', '--exact'], '{}', 'byte-lm has no exact value'],
  [['byte-lm', '--seed', 'one'], '{}', "the training's seed, a whole number from 0; got one"],
  [['byte-lm'], '[]', 'must be a configuration as JSON'],
  [['byte-lm'], '{"width": 3}', 'width is not a knob of this objective'],
  [['byte-lm'], '{"context": 32, "embed_dim": 32}', 'breaks input_fits'],
])('%j with %s is refused with the reason', (args, input, reason) => {
  const { status, stdout, stderr } = ask(input, ...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(reason);
});
