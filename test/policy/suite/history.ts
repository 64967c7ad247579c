import { readFileSync } from 'node:fs';
import { configKey, type KnobValue } from '@nightshift/protocol';
import { defaults } from './case.js';

export const historyText = readFileSync(new URL('../history.jsonl', import.meta.url), 'utf8');

interface Line {
  stage?: string;
  proposal?: { knob: string; new_value: KnobValue };
}

/** The canonical configurations that history.jsonl measured, found without the reader and the gate. */
export const measuredKeys = new Set(
  historyText
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.stage === 'evaluated')
    .flatMap(({ proposal }) => (proposal ? [configKey({ ...defaults, [proposal.knob]: proposal.new_value })] : [])),
);
