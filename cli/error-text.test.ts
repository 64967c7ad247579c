import { expect, test } from 'vitest';
import { AppError, readSpecYaml } from '@nightshift/protocol';
import { errorText } from './error-text.js';
import { atFile } from './input-file.js';

const textOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return errorText(error as AppError);
  }
  return '';
};

test('of a file that is no YAML the first three mistakes are told, and how many follow', () => {
  const prose = Array.from({ length: 50 }, (_, i) => `line ${i}: "a" b: c: d`).join('\n');
  const text = textOf(() => atFile('README.md', () => readSpecYaml(prose)));
  expect(text.match(/^ {2}README\.md:/gm)).toHaveLength(3);
  expect(text).toMatch(/^ {2}and \d+ more$/m);
});

test('of mistakes that have a key each twenty are told', () => {
  const errors = Array.from({ length: 25 }, (_, i) => ({ path: `k${i}`, message: 'is not a known key' }));
  const text = errorText(new AppError('invalid_spec', 'not a valid spec', { errors }));
  expect(text.match(/is not a known key/g)).toHaveLength(20);
  expect(text).toContain('  and 5 more');
});
