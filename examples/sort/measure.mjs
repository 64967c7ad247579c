// Prints the cost of the default and of some changes: node measure.mjs, under two seconds.
import { costOf } from './evaluate.mjs';
import { DEFAULTS } from './sort.mjs';

const CHANGES = [
  {},
  { cutoff: 16 },
  { pivot: 'first' },
  { pivot: 'ninther' },
  { partition: 'hoare' },
  { partition: 'three_way' },
  { algorithm: 'insertion' },
  { algorithm: 'heap' },
  { algorithm: 'shell' },
  { algorithm: 'radix' },
  { algorithm: 'merge' },
  { algorithm: 'radix', radix_bits: 8, skip_shared_digits: true },
  { algorithm: 'merge', detect_runs: true, gallop_after: 3 },
];
const SEED = 1; // practice arrays; the evaluator has its own
for (const change of CHANGES) {
  const text = Object.entries(change).map(([name, value]) => `${name}=${value}`).join(' ') || 'default';
  console.log(`${text.padEnd(54)} ${costOf({ ...DEFAULTS, ...change }, SEED).mean.toFixed(2).padStart(9)}`);
}
