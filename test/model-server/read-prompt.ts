import { parseMenu, type Config, type Constraint, type KnobValue, type Menu } from '@nightshift/protocol';

export interface Pair {
  knob: string;
  value: KnobValue;
}
export interface TableRow extends Pair {
  n: number;
  mean: number | null;
  /** A fraction, positive is better. */
  effect: number | null;
  outcome: string;
  /** Proposing it again would run the same configuration. */
  isRepeat: boolean;
}
/** What a model can learn from a prompt of ours; null parts mean that this was some other prompt. */
export interface PromptView {
  menu: Menu;
  now: Config;
  rows: TableRow[];
  untouched: string[];
  recent: (Pair & { outcome: string })[];
  /** Pairs that train now, were refused in this iteration, or were measured and have no row. */
  barred: Pair[];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isScalar(value: unknown): value is KnobValue {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
}

function readPair(text: string): Pair | null {
  const match = /^([A-Za-z]\w*)=(.*)$/.exec(text);
  const value = match ? json(match[2] as string) : undefined;
  return match && isScalar(value) ? { knob: match[1] as string, value } : null;
}

function readRow(line: string): TableRow | null {
  const [knob, valueText, n, mean, effect, outcome, , on] = line.split(' | ');
  const value = json(valueText ?? '');
  if (!knob || !isScalar(value) || on === undefined) return null;
  const percent = Number(effect?.replace('%', ''));
  return {
    knob,
    value,
    n: Number(n?.replace('n=', '')),
    mean: Number.isFinite(Number(mean)) ? Number(mean) : null,
    effect: Number.isFinite(percent) ? percent / 100 : null,
    outcome: outcome ?? '',
    isRepeat: on === 'repeat',
  };
}

/** Rows that did not fit in a prompt leave their values behind: `knob | also repeat | [values]`. */
function readRepeats(line: string): Pair[] {
  const [knob, mark, list] = line.split(' | ');
  const values = mark === 'also repeat' ? json(list ?? '') : undefined;
  return knob && Array.isArray(values) ? values.filter(isScalar).map((value) => ({ knob, value })) : [];
}

/** Reads the user message that the proposer builds; null when there is no menu in it. */
export function readPrompt(text: string): PromptView | null {
  const knobs: Record<string, unknown> = {};
  const constraints: Constraint[] = [];
  const now: Config = {};
  const view = {
    rows: [] as TableRow[],
    untouched: [] as string[],
    recent: [] as PromptView['recent'],
    barred: [] as Pair[],
  };
  let section = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('# ')) {
      section = line.slice(2);
    } else if (section === 'The menu' && line.startsWith('{')) {
      const entry = json(line) as Record<string, unknown> | undefined;
      if (typeof entry?.['knob'] === 'string') {
        const { knob, now: current, tried: _tried, ...rest } = entry;
        knobs[knob as string] = rest;
        if (isScalar(current)) now[knob as string] = current;
      } else if (typeof entry?.['constraint'] === 'string')
        constraints.push({ id: entry['constraint'], rule: String(entry['rule']), doc: '' });
    } else if (section === 'Tried pairs') {
      const row = readRow(line);
      if (row) view.rows.push(row);
      else view.barred.push(...readRepeats(line));
    } else if (section === 'Knobs never tried' && line !== '' && !line.startsWith('none:')) {
      view.untouched.push(...line.split(', '));
    } else if (section === 'Last iterations' && line.startsWith('it ')) {
      const [, outcome, pairText] = line.split(' | ');
      const pair = readPair(pairText ?? '');
      if (pair) view.recent.push({ ...pair, outcome: outcome ?? '' });
    } else if (section.startsWith('Training now')) {
      const pair = readPair(line);
      if (pair) view.barred.push(pair);
    } else if (section.startsWith('Refused') && line.startsWith('  answer: ')) {
      const raw = json(line.slice('  answer: '.length));
      const { knob, new_value: value } =
        ((typeof raw === 'string' ? json(raw) : undefined) as Record<string, unknown> & { knob?: unknown }) ?? {};
      if (typeof knob === 'string' && isScalar(value)) view.barred.push({ knob, value });
    }
  }
  if (Object.keys(knobs).length === 0) return null;
  return { menu: parseMenu({ knobs, constraints }), now, ...view };
}
