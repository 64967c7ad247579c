import { expect, test } from 'vitest';
import { z } from 'zod';
import { fieldErrors } from './field-errors.js';

const schema = z.strictObject({
  share: z.number().min(0).max(1),
  above: z.number().gt(0),
  name: z.string().min(1),
  count: z.int(),
  kind: z.enum(['x', 'y']),
  list: z.array(z.string()).max(2),
  map: z.record(z.string(), z.string()),
  own: z.number().min(3, 'is told in its own words'),
});
const good = { share: 0.5, above: 1, name: 'a', count: 1, kind: 'x', list: [], map: {}, own: 3 };

test.each([
  ['share', -1, 'must be at least 0'],
  ['share', 2, 'must be at most 1'],
  ['share', 'half', 'needs a number'],
  ['share', undefined, 'needs a number, and is missing'],
  ['above', 0, 'must be above 0'],
  ['name', '', 'must not be empty'],
  ['count', 1.5, 'needs a whole number'],
  ['kind', 'z', 'needs one of "x", "y"'],
  ['list', ['a', 'b', 'c'], 'needs at most 2 entries'],
  ['map', [], 'needs a map'],
  ['own', 1, 'is told in its own words'],
])('%s %j: %s', (path, value, message) => {
  const parsed = schema.safeParse({ ...good, [path]: value });
  expect(parsed.success ? [] : fieldErrors(parsed.error)).toEqual([{ path, message }]);
});
