import type { Decision, KnobValue, Screening } from '@nightshift/protocol';
import { gainText, metricText, plainText } from '@nightshift/control-plane/trajectory/wording';
import type { Iteration } from './client.js';
import { fit } from './text-table.js';

// Widths of the columns beside the change, which takes what is left; these fit 80 columns with a change of 27.
const NUMBER = 3;
const PROPOSER = 8;
const METRIC = 8;
const EFFECT = 14;
const REPEATS = 2;
const OUTCOME = 12;
const WIDE = 100;
const WIDEST_CHANGE = 44;

/** The table of a run's iterations, one line each (and a second for a guard that does not fit beside it), for any width from 72 columns on. */
export interface IterationTable {
  heading(): string;
  line(iteration: Iteration, from: KnobValue | null): string;
}

export function iterationTable(metricName: string, columns: number): IterationTable {
  const gap = columns >= WIDE ? '  ' : ' ';
  const fixed = NUMBER + PROPOSER + METRIC + EFFECT + REPEATS + OUTCOME + gap.length * 6;
  const change = Math.max(16, Math.min(WIDEST_CHANGE, columns - fixed));
  const row = (cells: [string, string, string, string, string, string, string]) =>
    [
      fit(cells[0], NUMBER, true),
      fit(cells[1], PROPOSER),
      fit(cells[2], change),
      fit(cells[3], METRIC, true),
      fit(cells[4], EFFECT, true),
      fit(cells[5], REPEATS, true),
      cells[6],
    ]
      .join(gap)
      .trimEnd();
  return {
    heading: () => row(['#', 'proposer', 'change', plainText(metricName), 'effect ± se', 'n', 'outcome']),
    line(iteration, from) {
      const { number, proposer, state, decision } = iteration;
      const cells = [String(number), proposer ?? '', changeText(iteration, from)] as const;
      const figures = decision as Decision | null;
      if (!figures || state === 'failed' || state === 'blocked') {
        // Without a measurement the columns of figures say why.
        const span = METRIC + EFFECT + REPEATS + gap.length * 2;
        const start = row([...cells, '', '', '', '']).padEnd(NUMBER + PROPOSER + change + gap.length * 2);
        return [start, fit(plainText(whyNot(iteration)), span, true), state.replace('_', ' ')].join(gap).trimEnd();
      }
      const { effect, standardError, candidateN } = figures;
      const line = row([
        ...cells,
        metricFigure(iteration.metric),
        effectText(effect, standardError),
        String(candidateN),
        state,
      ]);
      const guards = guardText(figures);
      if (guards === '') return line;
      const isFitting = line.length + 1 + guards.length <= columns;
      return isFitting
        ? `${line} ${guards}`
        : `${line}\n${fit(`${' '.repeat(NUMBER)}  ↳ ${guards}`, columns).trimEnd()}`;
    },
  };
}

export function changeText({ proposal, patch, blocked, standsOn }: Iteration, from: KnobValue | null): string {
  if (patch) return plainText(`${patchSize(patch)} ${patch.summary}`);
  if (proposal === null) return summaryOf(blocked.at(-1) as { raw?: unknown } | undefined);
  const to = valueText(proposal.newValue);
  // The value before is the other iteration's: its number says where to look.
  if (standsOn !== null) return plainText(`${proposal.knob} ${to} on ${standsOn === 0 ? 'baseline' : `#${standsOn}`}`);
  return plainText(from === null ? `${proposal.knob} ${to}` : `${proposal.knob} ${valueText(from)}→${to}`);
}

/** What a refused answer called itself; empty when it did not say. */
function summaryOf(tried: { raw?: unknown } | undefined): string {
  const raw = typeof tried?.raw === 'string' ? tried.raw : '';
  return plainText(/^\W*SUMMARY\W*:\s*(.+)$/im.exec(raw)?.[1] ?? /"summary"\s*:\s*"([^"]*)"/.exec(raw)?.[1] ?? '');
}

/** How many lines a patch adds and takes away: +3 −1. */
export function patchSize({ added, removed }: { added: number; removed: number }): string {
  return `+${added} −${removed}`;
}

/** Why a better metric was reverted: by guard mem; empty where no guard did it. */
export function guardText({ guards = [] }: Pick<Decision, 'guards'>): string {
  return guards.length === 0 ? '' : plainText(`by ${guards.length === 1 ? 'guard' : 'guards'} ${guards.join(', ')}`);
}

/** A relative effect with its standard error: +2.31% ±0.21. */
export function effectText(effect: number | null, standardError: number | null): string {
  if (effect === null) return '';
  return standardError === null ? gainText(effect) : `${gainText(effect)} ±${(standardError * 100).toFixed(2)}`;
}

/** Six significant digits with their zeros, so that the points of a column stand below each other. */
function metricFigure(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return metricText(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e6 ? value.toPrecision(6) : metricText(value);
}

/** Why an iteration has no measurement: the rail that blocked it, how its job ended, or what the cheap budget said; empty when it has one. */
export function whyNot({ state, failure, blocked, screening }: Iteration): string {
  if (state === 'screened_out')
    return `${effectText((screening as Screening | null)?.effect ?? null, null)} at cheap budget`;
  if (state === 'blocked') return `rail ${(blocked.at(-1) as { rail?: string } | undefined)?.rail ?? 'unknown'}`;
  return failure ?? '';
}

/** The one line of a failure's detail that says most: a traceback ends with its error, who filled a disk stands before what was printed. */
export function failureLine({ failure, failureDetail }: Pick<Iteration, 'failure' | 'failureDetail'>): string {
  const lines = (failureDetail ?? '').trim().split('\n');
  if (failure !== 'disk_filled') return lines.at(-1) ?? '';
  return (lines[0] ?? '').replace(/; it last printed:\s*$/, '');
}

/** Four significant digits are enough to tell two values of a knob apart on a terminal. */
export function valueText(value: KnobValue): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}
