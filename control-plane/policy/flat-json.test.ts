import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFlatObject } from './flat-json.js';

const scalar = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
);
const problemOf = (text: string) => {
  const read = readFlatObject(text);
  return 'problem' in read ? read.problem : null;
};

describe('readFlatObject', () => {
  it('reads every flat object that JSON.stringify writes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), scalar),
        fc.constantFrom(undefined, 2, '\t'),
        (object, indent) => {
          const read = readFlatObject(JSON.stringify(object, null, indent));
          expect(read).toEqual({ fields: new Map(Object.entries(JSON.parse(JSON.stringify(object)) as object)) });
        },
      ),
    );
  });

  it('accepts nothing that JSON.parse refuses, and reads it alike', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '"a"',
      '"b"',
      ':',
      ',',
      ' ',
      '\n',
      '1',
      '-0',
      '01',
      '1e3',
      '.5',
      'true',
      'null',
      'NaN',
      '"\\n"',
      '"\\x"',
      '[',
      ']',
      '//',
      '\u00a0',
      '"',
      '\\',
    );
    const anything = fc.oneof(
      fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const read = readFlatObject(text);
        expect('fields' in read ? Object.fromEntries(read.fields) : null).toEqual(
          'fields' in read ? JSON.parse(text) : null,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps __proto__ as a key like any other', () => {
    expect(readFlatObject('{"__proto__": 1}')).toEqual({ fields: new Map([['__proto__', 1]]) });
  });

  it('says what is wrong', () => {
    expect(problemOf('')).toBe('the answer is empty');
    expect(problemOf('```json\n{}\n```')).toBe('a Markdown fence surrounds the object');
    expect(problemOf('{"a": 1} {"a": 2}')).toBe('a second JSON object follows the first');
    expect(problemOf('{"a": 1, "a": 2}')).toBe('the key "a" is given twice');
    expect(problemOf('{"a": 1, "\\u0061": 2}')).toBe('the key "a" is given twice');
    expect(problemOf('{"a": 1,}')).toContain('a comma before } is not JSON');
    expect(problemOf('{"a": NaN}')).toContain('NaN and Infinity are not JSON');
    expect(problemOf('{"a": [1]}')).toBe('"a" holds a list; nothing may be nested');
    expect(problemOf("{'a': 1}")).toContain('double quotes only');
    expect(problemOf('{"a": 1 // one\n}')).toContain('no comments');
    expect(problemOf('{"a": 1')).toBe('the object is cut short: needs , or } after a value');
    expect(problemOf('{"a": "1')).toContain('no closing quote');
    expect(problemOf('\ufeff{}')).toContain('an invisible character stands before the object');
  });

  it('is not slowed by sixty thousand brackets, quotes or backslashes', () => {
    for (const unit of ['[', '{"a":', '"', '\\', '\\"', '{"a":"\\'])
      expect(problemOf(`{"a": ${unit.repeat(60_000 / unit.length)}`)).not.toBeNull();
  });
});
