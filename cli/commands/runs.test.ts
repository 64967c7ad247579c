import { expect, it } from 'vitest';
import { run } from '../testing/iteration.js';
import { runTable } from './runs.js';

const best = { iterations: 120, kept: 12, keeps: { best: { metric: 2.02549, improvement: 0.1898 } } };
const runs = ['run_01m7xsjhdt4m85aaaaaaaaaaaa', 'run_01m7xsjhdt4m85bbbbbbbbbbbb'].map((id) =>
  run({ id, state: 'completed', project: 'a-project-with-a-long-name', live: best }),
);

it('fits 80 columns with every state whole and every id told apart', () => {
  const lines = runTable(runs, 80).trimEnd().split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  const rows = lines.slice(1);
  expect(rows.every((row) => row.includes(' completed '))).toBe(true);
  const ids = rows.map((row) => row.split(' ')[0] ?? '');
  expect(ids).toEqual(['run_01m7xsjhdt4m85a', 'run_01m7xsjhdt4m85b']);
});

it('shows whole ids where there is room', () => {
  expect(runTable(runs, 120)).toContain(runs[0]?.id);
});
