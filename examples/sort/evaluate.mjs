// The sealed evaluator: sorts arrays that no other part has seen, counts what it cost and checks what came out.
import { appendFileSync, readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sort } from './sort.mjs';
import { ITEMS, workload } from './workload.mjs';

const SEED = 20_240_607;

/**
 * Items are handles; their keys stay in here, so an order can only be learned by asking, and every question counts.
 * cost: one for each comparison, digit read, item written and bucket cleared.
 */
function createTapes(keys) {
  const cost = { comparisons: 0, digits: 0, writes: 0, buckets: 0 };
  const tape = (items) => ({
    length: items.length,
    get: (index) => items[index],
    set(index, item) {
      cost.writes++;
      items[index] = item;
    },
    compare(a, b) {
      cost.comparisons++;
      return keys[a] - keys[b];
    },
    digit(item, shift, bits) {
      cost.digits++;
      return Math.floor(keys[item] / 2 ** shift) % 2 ** bits;
    },
    buckets(count) {
      cost.buckets += count;
      return new Array(count).fill(0);
    },
    scratch: (length) => tape(new Array(length).fill(-1)),
  });
  const items = keys.map((_, index) => index);
  return { tape: tape(items), items, cost };
}

/** Cost an item on each array and on average. Throws when an array comes back unsorted or with other items. */
export function costOf(knobs, seed, routine = sort) {
  const costs = {};
  for (const [name, keys] of Object.entries(workload(seed))) {
    const { tape, items, cost } = createTapes(keys);
    routine(tape, knobs);
    if (items.length !== ITEMS || new Set(items).size !== ITEMS || items.some((item) => keys[item] === undefined)) {
      throw new Error(`${name}: items were lost or doubled`);
    }
    const wrong = items.findIndex((item, index) => index > 0 && keys[items[index - 1]] > keys[item]);
    if (wrong >= 0) throw new Error(`${name}: not sorted at index ${wrong}`);
    costs[name] = (cost.comparisons + cost.digits + cost.writes + cost.buckets) / ITEMS;
  }
  const values = Object.values(costs);
  return { costs, mean: values.reduce((a, b) => a + b) / values.length };
}

function main() {
  const { costs, mean } = costOf(JSON.parse(readFileSync('sorter.json', 'utf8')), SEED);
  for (const [name, value] of Object.entries(costs)) console.log(`cost/${name}: ${value.toFixed(3)}`);
  console.log(`cost_per_item: ${mean.toFixed(6)}`);
  if (process.env.NIGHTSHIFT_METRICS) {
    const points = { ...Object.fromEntries(Object.entries(costs).map(([name, value]) => [`cost/${name}`, value])), cost_per_item: mean };
    const lines = Object.entries(points).map(([name, value]) => `${JSON.stringify({ name, value })}\n`);
    appendFileSync(process.env.NIGHTSHIFT_METRICS, lines.join(''));
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(`evaluate: ${error.message}`);
    process.exitCode = 1;
  }
}
