import { trainPy } from '../fixtures.js';
import { blocked, node, swap } from './case.js';

export const schemaCases = [
  ...blocked('schema', {
    empty: '',
    prose: 'I would raise the learning rate and see what happens.',
    'a menu answer': '{"knob": "depth", "new_value": 20, "reason": "more"}',
    'an unknown key': JSON.stringify({
      reason: 'x',
      files: [{ path: 'train.py', content: 'x = 1\n' }],
      run: 'rm -rf /',
    }),
    'no reason in JSON': JSON.stringify({ files: [{ path: 'train.py', content: 'x = 1\n' }] }),
    'files that are no list': JSON.stringify({ reason: 'x', files: { 'train.py': 'x = 1\n' } }),
    'files and a diff': JSON.stringify({ reason: 'x', files: [], diff: '' }),
    'JSON cut short': '{"reason": "x", "files": [{"path": "train.py", "content": "x',
    'a search that is not there': swap('train.py', 'WIDTH = 256', 'WIDTH = 512'),
    'a search that fits twice': swap(
      'train.py',
      '        super().__init__()',
      '        super().__init__()\n        self.scale = 1',
    ),
    'a block cut short': 'train.py\n<<<<<<< SEARCH\nWIDTH = 128\n=======\nWIDTH = 256\n',
    'a block without a middle': 'train.py\n<<<<<<< SEARCH\nWIDTH = 128\n>>>>>>> REPLACE\n',
    'a search for nothing': swap('train.py', '', 'WIDTH = 256'),
    'a hunk whose context is wrong':
      '--- a/train.py\n+++ b/train.py\n@@ -14,3 +14,3 @@\n WIDTH = 64\n-DEPTH = 4\n+DEPTH = 6\n DROPOUT = 0.1\n',
    'a hunk that fits twice':
      '--- a/train.py\n+++ b/train.py\n@@\n         super().__init__()\n+        self.scale = 1\n',
    'a file with code left out': `REASON: wider\n\ntrain.py\n\`\`\`python\nimport torch\nWIDTH = 256\n# ... rest of the code stays the same ...\n\`\`\`\n`,
    'a fence cut short': `train.py\n\`\`\`python\n${trainPy}`,
    'a reason that steers a terminal': swap('train.py', 'WIDTH = 128', 'WIDTH = 256', 'wider \u001b[2J'),
    'a reason with hidden text': swap('train.py', 'WIDTH = 128', 'WIDTH = 256', 'wider \u202e reversed'),
    'a list': ['train.py'],
    null: null,
  }),
  ...blocked('schema', { 'a fence without a path among many files': 'REASON: x\n\n```js\nlet a = 1;\n```\n' }, node),
];
