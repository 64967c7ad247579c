import { trainPy } from '../fixtures.js';
import { blocked, python, swap, top } from './case.js';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `EXTRA_${index} = ${index}`).join('\n');

export const sizeCases = [
  ...blocked('size', {
    'one line too many': top(lines(61)),
    'added and removed together': swap('train.py', trainPy.split('\n').slice(21, 53).join('\n'), lines(32)),
    'a file in other words': JSON.stringify({ reason: 'x', files: [{ path: 'train.py', content: `${lines(80)}\n` }] }),
    'everything away': JSON.stringify({ reason: 'x', files: [{ path: 'train.py', content: null }] }),
    'an empty file': JSON.stringify({ reason: 'x', files: [{ path: 'train.py', content: '' }] }),
  }),
  ...blocked('size', { 'one very long line': top(`TABLE = "${'a'.repeat(9000)}"`) }, { ...python, maxFileBytes: 8192 }),
];
