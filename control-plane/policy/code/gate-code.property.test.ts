import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodeContext } from './context.js';
import { gateCode, UNREADABLE } from './gate-code.js';

const base =
  'import os\nimport torch\n\nWIDTH = 8\nSEED = int(os.environ["NIGHTSHIFT_SEED"])\ntorch.manual_seed(SEED)\nx = torch.zeros(WIDTH)\n';
const context: CodeContext = {
  files: [{ path: 'train.py', content: base }],
  editable: ['train.py', 'new.mjs'],
  maxChangedLines: 50,
  allow: [],
  sealed: {
    metricName: 'loss',
    sealedFiles: ['prepare.py'],
    seedNames: ['SEED', 'NIGHTSHIFT_SEED'],
    clockNames: ['BUDGET'],
  },
  measured: () => false,
  repeat: 'reject',
};
const whole = (content: string, path = 'train.py') => ({ reason: 'x', files: [{ path, content }] });

describe('gateCode', () => {
  it('never throws, and passes only editable files', () => {
    const pieces = fc.constantFrom(
      'x',
      '=',
      'import os',
      '\n',
      '    ',
      'def f():',
      '(',
      ')',
      '"a"',
      'torch',
      '.',
      'eval',
      '[',
      ']',
      'f"{',
      '}"',
      'class A:',
      'pass',
      ',',
      '`',
      '${',
      'let',
      ';',
    );
    const code = fc.array(pieces, { maxLength: 40 }).map((list) => list.join(' '));
    const path = fc.constantFrom('train.py', 'new.mjs', 'a.json', '../x', '.git/x');
    const raw = fc.oneof(
      fc.anything(),
      fc.string({ unit: 'binary' }),
      fc.tuple(code, path).map(([text, name]) => whole(text, name)),
      fc.tuple(code).map(([text]) => whole(base + text)),
    );
    fc.assert(
      fc.property(raw, (answer) => {
        const verdict = gateCode(answer, context);
        if (verdict.verdict === 'pass')
          for (const { path: name } of verdict.proposal.patch.files) expect(context.editable).toContain(name);
        else {
          expect(verdict.reason).not.toBe('');
          expect(verdict.reason).not.toContain(UNREADABLE);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('lets a line that holds a primitive move, and not change', () => {
    const files = [{ path: 'train.py', content: `${base}os.system("nvidia-smi")\ny = 1\n` }];
    const say = (content: string) => gateCode(whole(content), { ...context, files });
    expect(say(`${base}y = 1\nos.system("nvidia-smi")\nz = 2\n`).verdict).toBe('pass');
    expect(say(`${base}y = 1\nos.system("id")\n`)).toMatchObject({ rail: 'imports' });
    expect(say(`${base}y = 1\nos.system("nvidia-smi")\nos.system("nvidia-smi")\n`)).toMatchObject({ rail: 'imports' });
    expect(say(`${base}y = 2\n`).verdict).toBe('pass');
  });

  it('takes a long chain or sum without running out of stack', () => {
    for (const text of ['.b'.repeat(20_000), ' + 1'.repeat(20_000), `${' + "a"'.repeat(5000)}`]) {
      expect(gateCode(whole(`${base}y = x${text}\n`), context)).toMatchObject({ verdict: 'pass' });
      expect(gateCode(whole(`let y = x${text};\n`, 'new.mjs'), context).verdict).toMatch(/pass|block/);
    }
  });

  it('takes functions that name each other, however many and in whichever order', () => {
    const trainer = `${base}BUDGET = 60\nbegan = time.monotonic()\nwhile time.monotonic() - began < BUDGET:\n    step(x)\n`;
    const files = [{ path: 'train.py', content: trainer.replace('import os', 'import os\nimport time') }];
    const wide = { ...context, files, maxChangedLines: 100_000 };
    const times = (count: number, text: (at: number) => string) => Array.from({ length: count }, (_, at) => text(at));
    const python = (count: number, names: (at: number) => number[]) =>
      times(
        count,
        (at) =>
          `def f${at}(y):\n${names(at)
            .map((to) => `    f${to}(y)\n`)
            .join('')}    return y\n`,
      );
    const javascript = (count: number, names: (at: number) => number[]) =>
      times(
        count,
        (at) =>
          `function f${at}(){${names(at)
            .map((to) => `f${to}();`)
            .join('')}}`,
      );
    for (const [count, names] of [
      [3000, (at: number) => [at + 1]],
      [3000, (at: number) => [at - 1]],
      [300, (at: number) => [at + 1]],
      [300, (at: number) => [at - 1]],
      [100, () => times(100, String).map(Number)],
    ] as const) {
      const passes = (content: string, path?: string) =>
        expect(gateCode(whole(content, path), wide)).toMatchObject({ verdict: 'pass' });
      passes(
        `${files[0]?.content}${python(count, names).join('').replaceAll('f-1', 'abs').replaceAll(`f${count}(`, 'abs(')}`,
      );
      passes(`${javascript(count, names).join('').replaceAll('f-1', 'Math.abs')}\n`, 'new.mjs');
    }
  });

  it('says by a block that a patch could not be judged, and what went wrong', () => {
    const measured = () => {
      throw new RangeError('too deep');
    };
    const verdict = gateCode(whole(`${base}y = 2\n`), { ...context, measured });
    expect(verdict).toMatchObject({ verdict: 'block', rail: 'syntax', proposal: null });
    expect(verdict).toMatchObject({ reason: expect.stringMatching(`^${UNREADABLE} .RangeError: too deep`) as string });
  });

  it('does not hand on a proposal that holds a credential', () => {
    const verdict = gateCode(whole(`${base}k = "hf_${'aB3'.repeat(12)}"\n`), context);
    expect(verdict).toMatchObject({ rail: 'secrets', proposal: null });
  });
});
