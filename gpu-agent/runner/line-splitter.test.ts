import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.js';
import { fillTemplate, shellQuote } from './template.js';

function split(...chunks: Buffer[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.flush();
  return lines;
}

test('lines end at newlines and carriage returns, and a last one needs neither', () => {
  expect(split(Buffer.from('a\r\nb\rc\n\nd'))).toEqual(['a', 'b', 'c', 'd']);
});
test('colours are taken off', () => {
  expect(split(Buffer.from('\u001b[1;32mloss: 1\u001b[0m \u001b]0;title\u0007x'))).toEqual(['loss: 1 x']);
});
test('a line that is too long is left out, whatever its pieces, and the next is not', () => {
  const long = Buffer.alloc(5000, 'x');
  expect(split(long, long, Buffer.from('y\nloss: 2\n'))).toEqual(['loss: 2']);
});
test('how bytes are cut into chunks makes no difference', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300), { maxLength: 8 }), (bytes, cuts) => {
      const whole = Buffer.from(bytes);
      const at = [...cuts.map((cut) => Math.min(cut, whole.length)), 0, whole.length].sort((a, b) => a - b);
      const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end));
      expect(split(...chunks)).toEqual(split(whole));
    }),
  );
});
test('a knob is one word of the command, whatever it holds', () => {
  expect(fillTemplate('run --lr {{lr}} {{ name }} {{none}}', { lr: 1e-7, name: "a'; rm -rf $HOME" })).toBe(
    `run --lr 1e-7 'a'\\''; rm -rf $HOME' {{none}}`,
  );
  expect(shellQuote(true)).toBe('true');
  expect(shellQuote('')).toBe("''");
});
