// "Training" here is a rehearsal: the chosen routine sorts practice arrays, and its knobs are handed on as sorter.json.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { costOf } from './evaluate.mjs';
import { DEFAULTS } from './sort.mjs';

try {
  rmSync('sorter.json', { force: true }); // a failed rehearsal must not be judged by an earlier one's knobs
  const path = process.env.NIGHTSHIFT_CONFIG;
  const given = path ? JSON.parse(readFileSync(path, 'utf8')) : {};
  for (const name of Object.keys(given)) if (!Object.hasOwn(DEFAULTS, name)) throw new Error(`${path}: unknown knob ${name}`);
  const knobs = { ...DEFAULTS, ...given };
  const { mean } = costOf(knobs, Number(process.env.NIGHTSHIFT_SEED || 1));
  console.log(`practice_cost: ${mean.toFixed(6)}`);
  if (process.env.NIGHTSHIFT_METRICS) {
    appendFileSync(process.env.NIGHTSHIFT_METRICS, `${JSON.stringify({ name: 'practice_cost', value: mean })}\n`);
  }
  writeFileSync('sorter.json', JSON.stringify(knobs));
} catch (error) {
  console.error(`FAIL: ${error.message}`);
  process.exitCode = 1;
}
