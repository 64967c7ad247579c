import { describe, expect, test } from 'vitest';
import { AppError, type FieldError } from './errors.js';
import { parseSpec, specJsonSchema } from './spec.js';
import { readSpecYaml } from './spec-yaml.js';

function errorsOf(text: string): FieldError[] {
  try {
    const document = readSpecYaml(text);
    try {
      parseSpec(document.value);
    } catch (error) {
      if (error instanceof AppError) return document.locate(error.errors ?? []);
      throw error;
    }
  } catch (error) {
    if (error instanceof AppError) return error.errors ?? [];
    throw error;
  }
  return [];
}

const RIGHT = `name: a
source: { path: . }
metric: { name: loss, goal: minimize }
job:
  train: "true"
  budget: 5s
menu:
  knobs: { x: { type: int, range: [0, 9], default: 0 } }
`;

test('a right spec has no errors', () => {
  expect(errorsOf(RIGHT)).toEqual([]);
});

test('every unknown key is named with its place and the key that was probably meant', () => {
  expect(errorsOf(RIGHT.replace('budget', 'buget').replace('name: a', 'name: a\nstopp: {}\nxyzzyx: 1'))).toEqual([
    { path: 'job.buget', message: 'is not a known key; did you mean "budget"?', line: 8, column: 3 },
    { path: 'stopp', message: 'is not a known key; did you mean "stop"?', line: 2, column: 1 },
    { path: 'xyzzyx', message: 'is not a known key', line: 3, column: 1 },
  ]);
});

test('a key that stands elsewhere is named with its place', () => {
  const messages = (text: string) => errorsOf(text).map(({ path, message }) => `${path} ${message}`);
  expect(messages(`${RIGHT}decision: { guard: [] }\n`)).toEqual([
    'decision.guard is not a known key; did you mean "guard" at the top level?',
  ]);
  expect(messages(`${RIGHT}budget: 5s\nrange: [0, 1]\nbaselineReplicate: 3\n`)).toEqual([
    'budget is not a known key; did you mean "job.budget"?',
    'range is not a known key; did you mean "menu.knobs.NAME.range"?',
    'baselineReplicate is not a known key; did you mean "decision.baselineReplicates"?',
  ]);
  expect(messages(`${RIGHT}guard: [{ name: mem, max: 3, gaol: minimize }]\n`)).toEqual([
    'guard.0.gaol is not a known key; did you mean "goal"?',
  ]);
});

test('a wrong value, a missing key and broken YAML have their places', () => {
  expect(errorsOf(RIGHT.replace('5s', '5 parsecs'))).toMatchObject([{ path: 'job.budget', line: 6 }]);
  expect(errorsOf(RIGHT.replace('  train: "true"\n', ''))).toMatchObject([{ path: 'job.train', line: 5 }]);
  expect(errorsOf('name: [')).toMatchObject([{ line: 1, column: expect.any(Number) }]);
  expect(errorsOf('name: a\nname: b\n')).toMatchObject([{ line: 2 }]);
});

test('a key of a megabyte is answered at once', () => {
  const [error] = errorsOf(`${RIGHT}? ${'k'.repeat(1 << 20)}\n: 1\n`);
  expect(error?.message).toBe('is not a known key');
});

describe('a structural mistake in a menu or a source has its path, its line and its fix', () => {
  const knob = '{ type: int, range: [0, 9], default: 0 }';
  const withKnobs = (knobs: string) => errorsOf(RIGHT.replace(/knobs: .*/, `knobs:\n    ${knobs}`));
  test.each([
    ['a third bound', 'x: { type: int, range: [0, 9, 10], default: 0 }', 'menu.knobs.x.range', /two numbers/],
    ['too wide', 'x: { type: float, range: [-1.7e308, 1.7e308], default: 0 }', 'menu.knobs.x.range', /too wide/],
    ['an unknown type', 'x: { type: flot, range: [0, 9], default: 0 }', 'menu.knobs.x.type', /"float"/],
    ['no default', 'x: { type: int, range: [0, 9] }', 'menu.knobs.x.default', /a number, text or true or false/],
    [
      'a misspelt key',
      'x: { type: int, range: [0, 9], choises: [0], default: 0 }',
      'menu.knobs.x.choises',
      /did you mean "choices"/,
    ],
    ['a bad name', `x.y: ${knob}`, 'menu.knobs.x.y', /letters, digits and _ only .*; got "x\.y"/],
    ['a list', `- x`, 'menu.knobs', /needs a map/],
  ])('%s', (_what, knobs, path, message) => {
    const errors = withKnobs(knobs);
    expect(errors).toEqual([expect.objectContaining({ path, message: expect.stringMatching(message) as string })]);
    expect([7, 8, 9]).toContain(errors[0]?.line);
  });

  test('the menu or the source is of another kind', () => {
    expect(errorsOf(RIGHT.replace(/menu:\n.*/, 'menu: null'))).toEqual([
      { path: 'menu', message: 'needs a map or text', line: 7, column: 1 },
    ]);
    expect(errorsOf(RIGHT.replace('{ path: . }', '.'))).toMatchObject([{ path: 'source', line: 2 }]);
    expect(errorsOf(RIGHT.replace('{ path: . }', '{}'))).toMatchObject([
      { path: 'source', message: 'needs path or git', line: 2 },
    ]);
  });

  test('a source has path and git', () => {
    expect(errorsOf(RIGHT.replace('{ path: . }', '{ path: ., git: x }'))).toMatchObject([
      { path: 'source.git', message: 'does not go together with path; keep one of them', line: 2, column: 20 },
    ]);
    expect(errorsOf(RIGHT.replace('{ path: . }', '{ path: ., pth: x }'))).toMatchObject([
      { path: 'source.pth', message: 'is not a known key; did you mean "path"?', line: 2 },
    ]);
  });
});

test('an alias or a merge that cannot be followed is a mistake of the file', () => {
  const bomb = ['a: &a [1]'];
  for (let i = 0; i < 9; i++) bomb.push(`${'bcdefghij'[i]}: &${'bcdefghij'[i]} [${`*${'abcdefghi'[i]},`.repeat(9)}]`);
  for (const [text, line] of [
    ['name: a\nstop: *nothing\n', 2],
    ['name: a\nstop: &s [*s]\n', 2],
    [`${bomb.join('\n')}\n`, 2],
    ['%YAML 1.1\n---\nstop: { <<: 3 }\n', undefined],
    ['[ '.repeat(20_000), expect.any(Number)],
  ] as const) {
    const [error] = errorsOf(text);
    expect(error?.message).toMatch(/\w/);
    expect(error?.line).toEqual(line);
  }
  expect(readSpecYaml('a: &a { b: 1 }\nc: *a\n').value).toEqual({ a: { b: 1 }, c: { b: 1 } });
});

test('durations that reach a job or a timer are bounded', () => {
  const at = (text: string) => errorsOf(RIGHT.replace('budget: 5s', text));
  expect(at(`budget: ${'9'.repeat(400)}d`)).toMatchObject([{ path: 'job.budget', line: 6 }]);
  expect(at('limit: 400d')).toMatchObject([{ path: 'job.limit', message: 'a duration is 366 days at most' }]);
  expect(at('budget: 0.1ms')).toMatchObject([{ path: 'job.budget', message: 'must be more than 0' }]);
  const model = (timeout: string) => `proposer: { model: { baseUrl: http://a, name: m, timeout: ${timeout} } }\n`;
  for (const timeout of ['0s', '25h'])
    expect(errorsOf(RIGHT + model(timeout))).toMatchObject([{ path: 'proposer.model.timeout', line: 9 }]);
  expect(errorsOf(RIGHT + model('24h'))).toEqual([]);
  expect(errorsOf(`${RIGHT}edit: { files: [a], probe: 0s }\n`)).toMatchObject([{ path: 'edit.probe', line: 9 }]);
});

test('the parser and the JSON Schema take the same base URLs', () => {
  interface Node {
    properties: Record<string, Node>;
    pattern: string;
    format: string;
  }
  const schema = (specJsonSchema() as unknown as Node).properties.proposer?.properties.model?.properties.baseUrl;
  expect(schema?.format).toBe('uri');
  const pattern = new RegExp(schema?.pattern ?? '', 'u');
  for (const [baseUrl, isRight] of [
    ['http://127.0.0.1:8000/v1', true],
    ['https://models.example/a%20b?c=[d]', true],
    ['http://[::1]:80/v1', true],
    [' http://a/v1', false],
    ['http://a/v1 ', false],
    ['http://mod\u00e9le/v1', false],
    ['http://a/\tv1', false],
    ['ftp://a/v1', false],
    ['http:a', false],
  ] as const) {
    const spec = { name: 'a', metric: { name: 'm', goal: 'minimize' }, job: { train: 'x' } };
    const input = {
      ...spec,
      menu: { knobs: { x: { type: 'bool', default: true } } },
      proposer: { model: { baseUrl, name: 'm' } },
    };
    expect([baseUrl, pattern.test(baseUrl)]).toEqual([baseUrl, isRight]);
    if (isRight) expect(parseSpec(input).proposer.model?.baseUrl).toBe(baseUrl);
    else expect(() => parseSpec(input)).toThrow('proposer.model.baseUrl: needs a URL');
  }
});
