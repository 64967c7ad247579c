import { blocked, node, swap, top, topJs } from './case.js';

export const syntaxCases = [
  ...blocked('syntax', {
    'an open bracket': top('x = (1,'),
    'a missing colon': swap('train.py', 'def learning_rate(progress):', 'def learning_rate(progress)'),
    'an indent from nowhere': top('    x = 1'),
    'a body that is missing': top('if step:\nx = 1'),
    'an indentation that matches nothing': swap(
      'train.py',
      '        h = F.relu(self.up(self.norm(x)))',
      '       h = F.relu(self.up(self.norm(x)))',
    ),
    'tabs among spaces': swap(
      'train.py',
      '    return LEARNING_RATE * (1 - progress)',
      '    if progress:\n\t return 0\n    return LEARNING_RATE',
    ),
    'Python 2': top('print "done"'),
    'a string that never ends': top("x = 'abc"),
    'a bad format string': top('x = f"{a"'),
    'a return at the top': top('return'),
    'a break at the top': top('break'),
    'an assignment to a call': top('f() = 1'),
    'a comparison for an assignment': top('if x = 1: pass'),
    'a marker of a merge': top('<<<<<<< HEAD'),
    JavaScript: top('const x = 1;'),
    'another encoding': swap(
      'train.py',
      '"""A small language model, trained for a fixed time."""',
      '# -*- coding: utf-7 -*-\n"""A small language model, trained for a fixed time."""',
    ),
    'text that shows in another order': top('access = "user\u202e \u2066# check\u2069 \u2066"'),
    'a name with a hidden character': top('wid\u200bth = 1'),
    'a carriage return that hides code': JSON.stringify({
      reason: 'x',
      diff: '--- a/train.py\n+++ b/train.py\n@@ -16 +16,2 @@\n WIDTH = 128\n+# wide\rimport socket\n',
    }),
    'a NUL': JSON.stringify({
      reason: 'x',
      diff: '--- a/train.py\n+++ b/train.py\n@@ -16 +16,2 @@\n WIDTH = 128\n+x = "\0"\n',
    }),
    'brackets without end': top(`x = ${'('.repeat(400)}1${')'.repeat(400)}`),
  }),
  ...blocked(
    'syntax',
    {
      'an open brace': topJs('if (steps) {'),
      'a declaration twice': topJs('const table = 1;'),
      Python: topJs('def f(x):'),
      'await in a plain function': topJs('function f() { await g(); }'),
      'types in JavaScript': topJs('let x: number = 1;'),
      'text in JSON': swap('options.json', '  "order": 3,', '  "order": three,'),
      'a trailing comma in JSON': swap('options.json', '  "smoothing": 0.1', '  "smoothing": 0.1,'),
      'a comment in JSON': swap('options.json', '  "order": 3,', '  "order": 3, // contexts'),
      'a key twice in YAML': swap('schedule.yaml', 'warmup: 0.1', 'warmup: 0.1\nwarmup: 0.2'),
      'a flow that never ends in YAML': swap('schedule.yaml', 'warmup: 0.1', 'warmup: [0.1'),
      'bad TypeScript': 'loss.ts\n```ts\nexport const x: = 1;\n```\n',
      'brackets without end': topJs(`const x = ${'['.repeat(20_000)}${']'.repeat(20_000)};`),
    },
    node,
  ),
];
