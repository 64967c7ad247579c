import type { CodeCase } from '@nightshift/control-plane/policy/code/bench-code';
import { treeHash } from '@nightshift/control-plane/patch/hash';
import { trainPy } from '../fixtures.js';
import { blocked, node, python, swap } from './case.js';

const wider = trainPy.replace('WIDTH = 128', 'WIDTH = 256');
const measured = treeHash([{ path: 'train.py', content: wider }]);

export const noopCases = blocked('noop', {
  'the same text': swap('train.py', 'WIDTH = 128', 'WIDTH = 128'),
  'the same file': JSON.stringify({ reason: 'x', files: [{ path: 'train.py', content: trainPy }] }),
  'the same file with other line ends': JSON.stringify({
    reason: 'x',
    files: [{ path: 'train.py', content: trainPy.replaceAll('\n', '\r\n') }],
  }),
  'a comment': swap('train.py', 'WIDTH = 128', 'WIDTH = 128  # wide'),
  'a blank line': swap('train.py', 'DEPTH = 4', '\nDEPTH = 4'),
  'other spaces': swap('train.py', 'DROPOUT = 0.1', 'DROPOUT  =  0.1'),
  'a line broken in brackets': swap(
    'train.py',
    '    x, y = make_batches("train", BATCH, DEVICE)',
    '    x, y = make_batches(\n        "train", BATCH, DEVICE\n    )',
  ),
});
export const noopNodeCases = blocked(
  'noop',
  {
    'a comment': swap('train.mjs', 'const ORDER = 3;', '// contexts\nconst ORDER = 3;'),
    'other spaces in JSON': swap('options.json', '  "order": 3,', '  "order":   3,'),
    'a comment in YAML': swap('schedule.yaml', 'warmup: 0.1', 'warmup: 0.1 # a tenth'),
  },
  node,
);

const before: CodeCase['context'] = {
  ...python,
  measured: (hash) => hash === measured && { description: 'reverted in iteration 4' },
};
export const repeatCases: CodeCase[] = [
  ...blocked(
    'repeat',
    {
      'a block again': swap('train.py', 'WIDTH = 128', 'WIDTH = 256'),
      'a diff again': '--- a/train.py\n+++ b/train.py\n@@ -16,1 +16,1 @@\n-WIDTH = 128\n+WIDTH = 256\n',
      'the whole file again': JSON.stringify({ reason: 'x', files: [{ path: 'train.py', content: wider }] }),
    },
    before,
  ),
  {
    id: 'safe-another-value',
    raw: swap('train.py', 'WIDTH = 128', 'WIDTH = 192'),
    expect: 'pass',
    expectedRail: null,
    context: before,
  },
  {
    id: 'safe-a-repeat-that-is-booked',
    raw: swap('train.py', 'WIDTH = 128', 'WIDTH = 256'),
    expect: 'pass',
    expectedRail: null,
    context: { ...before, repeat: 'replicate' },
  },
];
