import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BlockedTry, SourceFile, TrajectoryRecord } from '@nightshift/protocol';
import { gateCode, type CodeContext } from '@nightshift/control-plane/policy/code/index';
import { buildCodePrompt, type CodePromptInput } from '@nightshift/control-plane/proposer/code-prompt';
import { expect, test } from 'vitest';
import { startModelServer } from '../index.js';
import { createCodeScript } from './answer-code.js';
import { SCRIPT } from './script.js';

const example = new URL('../../../examples/byte-lm-edit/', import.meta.url);
const SHIPPED = readFileSync(fileURLToPath(new URL('train.mjs', example)), 'utf8');
const SEALED = ['prepare.mjs', 'evaluate.mjs'];

interface Step {
  summary: string;
  rails: string[];
  isRepaired: boolean;
  outcome: string;
}

/** A run without training: the gate is the real one, and a measurement ends as the script says. */
function rehearse(
  iterations: number,
  restartAt = -1,
): { steps: Step[]; files: SourceFile[]; records: TrajectoryRecord[] } {
  let script = createCodeScript();
  let files: SourceFile[] = [{ path: 'train.mjs', content: SHIPPED }];
  const records: TrajectoryRecord[] = [];
  const steps: Step[] = [];
  const measured = new Set<string>();
  for (let iteration = 1; iteration <= iterations; iteration++) {
    if (iteration === restartAt) script = createCodeScript();
    const blocked: BlockedTry[] = [];
    let repair: CodePromptInput['repair'] = null;
    const step: Step = { summary: '', rails: [], isRepaired: false, outcome: 'blocked' };
    while (step.outcome === 'blocked' && blocked.length < 3) {
      const text = prompt(files, records, blocked, repair);
      const raw = script(text);
      expect(script(text)).toBe(raw);
      const verdict = gateCode(raw, contextOf(files, measured));
      if (verdict.verdict === 'block') {
        step.rails.push(verdict.rail);
        step.summary = verdict.proposal?.summary ?? '';
        blocked.push({ rail: verdict.rail, reason: verdict.reason, raw: String(raw), proposer: 'model' } as BlockedTry);
        continue;
      }
      const after = verdict.files[0]?.content ?? '';
      if (after.includes('tabels')) {
        step.isRepaired = true;
        repair = {
          diff: verdict.proposal.patch.diff,
          output:
            'file:///job/train.mjs:90\n\nReferenceError: tabels is not defined\n    at forward (file:///job/train.mjs:90:45)',
        };
        continue;
      }
      step.summary = verdict.proposal.summary;
      const idea = SCRIPT.find(({ summary }) => summary === step.summary);
      step.outcome = typeof idea?.ends === 'string' && idea.ends !== 'either' ? idea.ends : 'reverted';
      measured.add(verdict.treeHash);
      if (step.outcome === 'kept') files = verdict.files;
    }
    steps.push(step);
    records.push({
      iteration,
      outcome: step.outcome,
      description: step.outcome === 'blocked' ? null : step.summary,
      proposal: null,
      decision: null,
      metric: null,
      values: [],
      failure: null,
      rail: step.rails.at(-1) ?? null,
    } as unknown as TrajectoryRecord);
  }
  return { steps, files, records };
}

function prompt(
  files: SourceFile[],
  records: TrajectoryRecord[],
  blocked: BlockedTry[],
  repair: CodePromptInput['repair'],
): string {
  const built = buildCodePrompt({
    project: 'byte-lm-edit',
    metric: { name: 'val_bpb', goal: 'minimize' },
    files,
    sealed: SEALED,
    maxChangedLines: 80,
    comparator: { which: 'incumbent', value: 4.5, n: 2 },
    baseline: { value: 4.5, n: 2, sd: 0.03 },
    records,
    notes: readFileSync(fileURLToPath(new URL('program.md', example)), 'utf8'),
    blocked,
    repair,
    budgetTokens: 14_000,
  });
  expect(built.fits).toBe(true);
  return built.messages
    .filter(({ role }) => role === 'user')
    .map(({ content }) => content)
    .join('\n');
}

function contextOf(files: SourceFile[], measured: ReadonlySet<string>): CodeContext {
  return {
    files,
    editable: ['train.mjs'],
    maxChangedLines: 80,
    allow: [],
    sealed: {
      metricName: 'val_bpb',
      sealedFiles: SEALED,
      seedNames: ['NIGHTSHIFT_SEED'],
      clockNames: ['NIGHTSHIFT_BUDGET_SECONDS'],
    },
    measured: (hash) => measured.has(hash),
    repeat: 'reject',
  };
}

test('the first eight iterations keep, revert, repair and block', () => {
  const { steps } = rehearse(8);
  expect(steps).toMatchObject([
    { summary: 'Replace gradient descent by Adam', rails: [], outcome: 'kept' },
    { summary: 'Widen the hidden layer from 32 to 256', rails: [], outcome: 'reverted' },
    {
      summary: 'Add a table of logits for the last three bytes',
      rails: ['imports'],
      isRepaired: true,
      outcome: 'kept',
    },
    { summary: 'Add a second table for the last two bytes', rails: ['schema'], outcome: 'kept' },
    { rails: ['paths', 'paths', 'paths'], outcome: 'blocked' },
    { summary: 'Predict 512 bytes in a step for a calmer gradient', outcome: 'reverted' },
    { summary: 'Give each table four times as many rows', rails: ['sealed'], outcome: 'kept' },
    { summary: 'Raise the learning rate a hundredfold', outcome: 'failed' },
  ]);
});

test('the whole script is gone through, and constants are changed after it', () => {
  const { steps, files } = rehearse(40);
  const summaries = steps.map(({ summary }) => summary);
  for (const { summary, ends } of SCRIPT)
    if (typeof ends === 'string') expect(summaries.filter((said) => said === summary)).toHaveLength(1);
  expect(steps.filter(({ summary }) => /^Set [A-Z]+ to /.test(summary)).length).toBeGreaterThan(10);
  expect(files[0]?.content).toContain('const TABLES = [5, 3, 2];');
});

test.each([2, 4, 6, 9])(
  'a model server that starts anew at iteration %d goes on where the record stands',
  (restartAt) => {
    const kept = (run: ReturnType<typeof rehearse>) =>
      run.steps.filter(({ outcome }) => outcome === 'kept').map(({ summary }) => summary);
    expect(kept(rehearse(14, restartAt))).toEqual(kept(rehearse(14)));
  },
);

const REPEAT = {
  rail: 'repeat',
  reason: 'This very code was measured already. Propose something that was not.',
} as BlockedTry;

test('while a patch trains the next idea is taken, since the record does not know it yet', () => {
  const script = createCodeScript();
  const files = [{ path: 'train.mjs', content: SHIPPED }];
  const [first, again, second] = [[], [], [REPEAT]].map((blocked) => script(prompt(files, [], blocked, null)));
  expect(first).toBe(again);
  expect(second).toContain('SUMMARY: Widen the hidden layer');
});

test('an idea that was dropped because the incumbent changed comes back on the new one', () => {
  const script = createCodeScript();
  const { files, records } = rehearse(1);
  const shipped = [{ path: 'train.mjs', content: SHIPPED }];
  expect(script(prompt(shipped, [], [], null))).toContain('SUMMARY: Replace gradient descent');
  expect(script(prompt(shipped, [], [REPEAT], null))).toContain('SUMMARY: Widen');
  expect(script(prompt(files, records, [], null))).toContain('SUMMARY: Widen');
});

test('a wrong SEARCH is mended once, and the idea left alone when its code trains already', () => {
  const { files, records } = rehearse(3);
  const script = createCodeScript();
  const missed = {
    rail: 'schema',
    reason: 'Block 1 does not apply: the file has no line "const TABLE_BYTES = [3];"',
  } as BlockedTry;
  const cores = { rail: 'imports', reason: 'node:child_process reaches processes' } as BlockedTry;
  const say = (...blocked: BlockedTry[]) => script(prompt(files, records, [cores, ...blocked], null));
  expect(say()).toContain('TABLE_BYTES');
  expect(say(missed)).toContain('TABLES = [3, 2]');
  expect(say(missed, REPEAT)).toContain('SUMMARY: Average the evaluation over fewer slices');
});

test('a prompt with no file of the example in it is none of its business', () => {
  expect(createCodeScript()('# The menu\nnothing here')).toBeNull();
});

test('the server answers a prompt for a patch over its socket', async () => {
  const server = await startModelServer({ behaviour: 'code-script' });
  try {
    const content = prompt([{ path: 'train.mjs', content: SHIPPED }], [], [], null);
    const response = await fetch(`${server.url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'x', messages: [{ role: 'user', content }] }),
    });
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content).toMatch(
      /^SUMMARY: Replace gradient descent by Adam\nREASON: [\s\S]*<<<<<<< SEARCH\n/,
    );
  } finally {
    await server.close();
  }
});
