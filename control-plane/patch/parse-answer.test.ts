import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatch } from './apply-patch.js';
import { diffOf } from './diff-of.js';
import { hashText } from './hash.js';
import { parseAnswer } from './parse-answer.js';

const file = (content: string, path = 'train.py') => ({ path, content });
const base = 'a = 1\nb = 2\nc = 3\nd = 4\ne = 5\nf = 6\ng = 7\nh = 8\n';
function after(raw: unknown, content: string = base): string | null {
  const read = parseAnswer(raw, [file(content)]);
  if ('problem' in read) throw new Error(read.problem);
  return read.patch.files[0]?.after ?? null;
}
function problem(raw: unknown, content: string = base): string {
  const read = parseAnswer(raw, [file(content)]);
  return 'problem' in read ? read.problem : `applied: ${read.patch.diff}`;
}
const block = (search: string, replacement: string) =>
  `train.py\n<<<<<<< SEARCH\n${search}\n=======\n${replacement}\n>>>>>>> REPLACE\n`;

describe('parseAnswer', () => {
  it('gives one patch for one change, however it was written down', () => {
    const whole = base.replace('c = 3', 'c = 30');
    const answers: unknown[] = [
      block('c = 3', 'c = 30'),
      block('b = 2\nc = 3', 'b = 2\nc = 30'),
      '--- a/train.py\n+++ b/train.py\n@@ -2,3 +2,3 @@\n b = 2\n-c = 3\n+c = 30\n d = 4\n',
      '```diff\n--- train.py\n+++ train.py\n@@\n-c = 3\n+c = 30\n```',
      `**train.py**\n\`\`\`python\n${whole}\`\`\``,
      `### File: \`train.py\`\n\n\`\`\`python\n${whole.trimEnd()}\n\`\`\`\nDone.`,
      `\`\`\`python train.py\n${whole}\`\`\``,
      { reason: '', files: [{ path: 'train.py', content: whole }] },
      JSON.stringify({ reason: '', files: [{ path: './train.py', content: whole.replaceAll('\n', '\r\n') }] }),
      { reason: '', diff: diffOf('train.py', base, whole).diff },
    ];
    for (const answer of answers)
      expect(parseAnswer(answer, [file(base)])).toMatchObject({
        patch: { files: [{ path: 'train.py', before: hashText(base), after: whole }], added: 1, removed: 1 },
      });
  });

  it('takes the reason from its line, else from the prose before the change', () => {
    const words = (text: string) => {
      const read = parseAnswer(`${text}\n\n${block('c = 3', 'c = 30')}`, [file(base)]);
      return 'problem' in read ? null : { reason: read.reason, summary: read.summary };
    };
    expect(words('Let me think.\nREASON: Wider is better. And\nfaster.')).toEqual({
      reason: 'Wider is better. And faster.',
      summary: 'Wider is better',
    });
    expect(words('SUMMARY: Widen\n**Reason:** it may help')).toEqual({ reason: 'it may help', summary: 'Widen' });
    expect(words('I make it wider.')).toEqual({ reason: 'I make it wider.', summary: 'I make it wider' });
    expect(words('')).toEqual({ reason: '', summary: 'Change train.py' });
    expect(words(`REASON: ${'long '.repeat(400)}`)?.reason).toHaveLength(1000);
  });

  it('takes hunks whose counts or places are wrong when they fit one place', () => {
    expect(after('--- a/train.py\n+++ b/train.py\n@@ -400,9 +1,1 @@\n g = 7\n-h = 8\n+h = 80\n')).toBe(
      base.replace('h = 8', 'h = 80'),
    );
    const twice = `${base}x = 0\n${base}`;
    const hunk = (header: string) => `--- a/train.py\n+++ b/train.py\n${header}\n b = 2\n-c = 3\n+c = 30\n`;
    expect(after(hunk('@@ -11,2 +11,2 @@'), twice)).toBe(`${base}x = 0\n${base.replace('c = 3', 'c = 30')}`);
    expect(problem(hunk('@@ -5,2 +5,2 @@'), twice)).toContain('fits 2 places (lines 2, 11)');
  });

  it('says which part did not apply, and what stands there', () => {
    expect(problem(`${block('a = 1', 'a = 2')}${block('cc = 3', 'c = 4')}`)).toMatch(
      /block 2 of train\.py does not apply: the file has no line "cc = 3"; the closest is line \d/,
    );
    expect(
      problem('--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n@@ -4 +4 @@\n-z = 4\n+z = 5\n'),
    ).toContain('hunk 2 (@@ -4 +4 @@)');
    expect(problem(block('a = 1', 'a = 2').replace('train.py', 'other.py'))).toContain(
      'of other.py changes a file that does not exist',
    );
    expect(problem('no change at all')).toContain('there is no change');
  });

  it('applies blocks one after the other, each to what the one before left', () => {
    expect(after(`${block('a = 1', 'a = 2')}${block('a = 2', 'a = 3')}`)).toBe(base.replace('a = 1', 'a = 3'));
  });

  it("keeps a file's line ends and the way it ends", () => {
    const crlf = base.replaceAll('\n', '\r\n');
    expect(after(block('c = 3', 'c = 30\nx = 1'), crlf)).toBe(crlf.replace('c = 3', 'c = 30\r\nx = 1'));
    expect(after('--- a/train.py\n+++ b/train.py\n@@ -3 +3 @@\n-c = 3\n+c = 30\n', crlf)).toBe(
      crlf.replace('c = 3', 'c = 30'),
    );
    expect(after(block('h = 8', 'h = 80'), base.trimEnd())).toBe(base.trimEnd().replace('h = 8', 'h = 80'));
    expect(after(`train.py\n\`\`\`\nx = 1\n\`\`\``, base.trimEnd())).toBe('x = 1');
    expect(after({ reason: '', files: [{ path: 'train.py', content: 'x = 1' }] })).toBe('x = 1\n');
  });

  it('creates and deletes files', () => {
    const read = parseAnswer('new.py\n```\nx = 1\n```', [file(base)]);
    expect(read).toMatchObject({
      patch: { files: [{ path: 'new.py', before: null, after: 'x = 1\n' }], added: 1, removed: 0 },
    });
    expect(parseAnswer({ reason: '', files: [{ path: 'train.py', content: null }] }, [file(base)])).toMatchObject({
      patch: { files: [{ path: 'train.py', after: null }], removed: 8 },
    });
  });

  const line = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      'a',
      'b',
      'x = 1',
      '-',
      '--- a/x',
      '+++ b/x',
      '@@ -1 +1 @@',
      '\\ No',
      'diff --git a/x b/x',
      '=======',
      '```',
    ),
    fc.string({ maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, '')),
  );
  const text = fc.record({
    lines: fc.array(line, { maxLength: 14 }),
    isOpen: fc.boolean(),
    end: fc.constantFrom('\n', '\r\n'),
  });
  const write = ({ lines, isOpen, end }: { lines: string[]; isOpen: boolean; end: string }, eol = end) =>
    lines.length === 0 ? '' : lines.join(eol) + (isOpen && lines.at(-1) !== '' ? '' : eol);

  it('reads its own diffs back to the same text', () => {
    fc.assert(
      fc.property(text, text, (one, two) => {
        const [from, to] = [write(one, '\n'), write(two, '\n')];
        fc.pre(from !== to);
        const { diff } = diffOf('train.py', from, to);
        const read = parseAnswer({ reason: '', diff }, [file(from)]);
        expect('problem' in read ? read.problem : read.patch.files[0]?.after).toBe(to);
        expect('problem' in read ? null : read.patch.diff).toBe(diff);
      }),
      { numRuns: 400 },
    );
  });

  it('gives the same patch for the whole file and for its diff, in the line ends of the file', () => {
    fc.assert(
      fc.property(text, text, (one, two) => {
        const from = write(one);
        const to = write(
          { ...two, isOpen: one.lines.length > 0 && from !== '' && !from.endsWith('\n') },
          one.lines.length === 0 ? '\n' : from.includes('\r\n') ? '\r\n' : '\n',
        );
        // A last line that is empty and open is no line.
        fc.pre(from !== to && to !== '' && two.lines.at(-1) !== '');
        const whole = parseAnswer({ reason: '', files: [{ path: 'train.py', content: to }] }, [file(from)]);
        if ('problem' in whole) throw new Error(whole.problem);
        expect(applyPatch([file(from)], whole.patch)).toEqual({ files: [file(to)] });
      }),
      { numRuns: 400 },
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string(),
          fc.array(line).map((lines) => lines.join('\n')),
        ),
        text,
        (raw, one) => {
          expect(parseAnswer(raw, [file(write(one))])).toBeTypeOf('object');
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('applyPatch', () => {
  it('refuses files that the patch was not made for', () => {
    const read = parseAnswer(block('c = 3', 'c = 30'), [file(base)]);
    if ('problem' in read) throw new Error(read.problem);
    expect(applyPatch([file(`${base}i = 9\n`)], read.patch)).toHaveProperty('problem');
    expect(applyPatch([], read.patch)).toHaveProperty('problem');
  });
});
