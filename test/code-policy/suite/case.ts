import type { CodeCase, GateRail } from '@nightshift/control-plane/policy/code/bench-code';
import type { CodeContext } from '@nightshift/control-plane/policy/code/context';
import { optionsJson, scheduleYaml, trainMjs, trainPy } from '../fixtures.js';

export const python: CodeContext = {
  files: [{ path: 'train.py', content: trainPy }],
  editable: ['train.py'],
  maxChangedLines: 60,
  allow: [],
  sealed: {
    metricName: 'val_loss',
    sealedFiles: ['prepare.py', 'evaluate.py'],
    seedNames: ['NIGHTSHIFT_SEED', 'SEED'],
    clockNames: ['TIME_BUDGET', 'NIGHTSHIFT_BUDGET_MS'],
  },
  measured: () => false,
  repeat: 'reject',
};
export const node: CodeContext = {
  files: [
    { path: 'train.mjs', content: trainMjs },
    { path: 'options.json', content: optionsJson },
    { path: 'schedule.yaml', content: scheduleYaml },
  ],
  editable: ['train.mjs', 'options.json', 'schedule.yaml', 'optimizer.mjs', 'loss.ts'],
  maxChangedLines: 60,
  allow: [],
  sealed: {
    metricName: 'bits_per_byte',
    sealedFiles: ['prepare.mjs', 'evaluate.mjs'],
    seedNames: ['NIGHTSHIFT_SEED', 'seed'],
    clockNames: ['NIGHTSHIFT_BUDGET_MS', 'budgetMs'],
  },
  measured: () => false,
  repeat: 'reject',
};

/** An answer with one block. */
export function swap(path: string, search: string, replacement: string, reason = 'It may train faster.'): string {
  const lines = (text: string) => (text === '' ? '' : `${text}\n`);
  return `REASON: ${reason}\n\n${path}\n<<<<<<< SEARCH\n${lines(search)}=======\n${lines(replacement)}>>>>>>> REPLACE\n`;
}

/** Lines at the top level of train.py, where the model stands ready. */
export function top(code: string): string {
  return swap('train.py', 'model = Model().to(DEVICE)', `model = Model().to(DEVICE)\n${code}`);
}

/** Lines at the top level of train.mjs. */
export function topJs(code: string): string {
  return swap('train.mjs', 'const table = new Map();', `const table = new Map();\n${code}`);
}

export function pass(id: string, raw: unknown, context: CodeContext = python): CodeCase {
  return { id: `safe-${id}`, raw, expect: 'pass', expectedRail: null, context };
}

/** A table of answers that one rail blocks; the key says what is wrong with each. */
export function blocked(rail: GateRail, table: Record<string, unknown>, context: CodeContext = python): CodeCase[] {
  return Object.entries(table).map(([name, raw]) => ({
    id: `${rail}-${context.files[0]?.path !== 'train.py' ? 'js-' : ''}${name}`,
    raw,
    expect: 'block',
    expectedRail: rail,
    context,
  }));
}
