import type { TrajectoryRecord } from '@nightshift/protocol';
import type { Item, Section } from './fit.js';
import { showCause, showNumber, showPair, showPercent, showShare, summariseCurve } from './figures.js';
import { relativeEffect } from './pair-table.js';
import type { PromptInput } from './prompt-input.js';
import { quoteData } from './quote.js';
import { WORTH, olderWorth } from './worth.js';

/** Iterations whose whole reasons are told; what is older has a line each. */
export const RECENT_ITERATIONS = 10;
const REASON_CHARS = 1200;
const GIST_CHARS = 90;

/** The last iterations with their whole reasons, and a line for each older one. */
export function iterationSections(input: PromptInput, noise: number): { recent: Section; older: Section } {
  const { records } = input;
  const split = Math.max(0, records.length - RECENT_ITERATIONS);
  const older = records.slice(0, split).map((record) => {
    const gist =
      record.proposal && record.proposal.reason !== '' ? ` | ${quoteData(record.proposal.reason, GIST_CHARS)}` : '';
    return {
      section: 'older',
      text: `${iterationLine(record, input)}${gist}`,
      worth: olderWorth(record.outcome, effectOf(record, input), noise),
      label: 'older iterations',
    };
  });
  const recent: Item[] = [];
  // Between details of one kind the later one stays: its line is the one that the next proposal follows on.
  records.slice(split).forEach((record, place) => {
    const line: Item = {
      section: 'recent',
      text: iterationLine(record, input),
      worth: WORTH.recentLine,
      label: 'recent iterations',
    };
    recent.push(line);
    const detail = (name: string, text: string | null, worth: number, label: string) => {
      if (text !== null)
        recent.push({ section: 'recent', text: `  ${name}: ${text}`, worth: worth + place / 100, label, needs: line });
    };
    const reason = record.proposal?.reason;
    detail('reason', reason ? quoteData(reason, REASON_CHARS) : null, WORTH.reason, 'reasons of recent iterations');
    const why = record.outcome === 'screened_out' ? record.screening?.reason : record.decision?.reason;
    detail(
      record.outcome === 'screened_out' ? 'screening' : 'decision',
      why ? quoteData(why, 300) : null,
      WORTH.decision,
      'decisions of recent iterations',
    );
    detail(
      'outweighed',
      outweighedText(record.outweighed),
      WORTH.outweighed,
      'outweighed proposals of recent iterations',
    );
    const curve = input.curves?.[record.iteration];
    detail('curve', curve ? summariseCurve(curve) : null, WORTH.curve, 'curves of recent iterations');
  });
  return {
    older: { name: 'older', head: older.length > 0 ? ['# Older iterations'] : [], items: older },
    recent: { name: 'recent', head: recent.length > 0 ? ['# Last iterations'] : [], items: recent },
  };
}

function outweighedText(tries: TrajectoryRecord['outweighed']): string | null {
  if (!tries || tries.length === 0) return null;
  return tries.map(({ proposal, promise }) => `${showPair(proposal)} (${showShare(promise)})`).join(', ');
}

function effectOf(record: TrajectoryRecord, input: PromptInput): number | null {
  return record.decision?.effect ?? relativeEffect(input.metric.goal, record.metric, input.baseline.value);
}

function standing({ standsOn }: TrajectoryRecord): string {
  if (standsOn === null || standsOn === undefined) return '';
  return standsOn === 0 ? ' on the baseline' : ` on it ${standsOn}`;
}

function iterationLine(record: TrajectoryRecord, input: PromptInput): string {
  const { decision } = record;
  const n = Math.max(record.values.length, record.metric === null ? 0 : 1);
  const error = decision?.standardError == null ? '' : ` ± ${showPercent(decision.standardError).replace('+', '')}`;
  const effect = effectOf(record, input);
  const against = decision ? decision.comparator : 'baseline';
  const parts = [
    `it ${record.iteration}`,
    record.outcome + (record.outcome === 'blocked' && record.rail !== null ? ` by ${showCause(record.rail)}` : ''),
    (record.proposal ? showPair(record.proposal) : 'no proposal') + standing(record),
  ];
  if (record.metric !== null)
    parts.push(`${showNumber(record.metric)} n=${n}`, `${showPercent(effect)}${error} vs ${against}`);
  // Never with the figures of a measurement: the two budgets are not to be compared.
  if (record.outcome === 'screened_out')
    parts.push(`not measured: ${showPercent(record.screening?.effect ?? null)} at the cheap budget`);
  if (record.failure !== null) parts.push(showCause(record.failure));
  if (record.proposer !== null) parts.push(record.proposer);
  if (record.outcome !== 'blocked' && record.blocked.length > 0) parts.push(`${record.blocked.length} refused before`);
  return parts.join(' | ');
}

/** What trains at this moment and what was refused in this iteration: last, so that a retry shares all before it. */
export function refusedLines(input: PromptInput): string[] {
  const lines: string[] = [];
  if (input.pending && input.pending.length > 0)
    lines.push(
      '# Training now (not measured yet; propose something else)',
      ...input.pending.slice(0, 50).map(showPair),
      '',
    );
  if (input.blocked.length > 0) {
    lines.push('# Refused in this iteration (your next answer must differ)');
    for (const { rail, reason, raw } of input.blocked.slice(-3))
      lines.push(`${rail}: ${quoteData(reason, 400)}`, `  answer: ${quoteData(raw, 300)}`);
    lines.push('');
  }
  if (input.outweighed && input.outweighed.length > 0) {
    lines.push('# Outweighed in this iteration (your next answer must differ)');
    for (const { proposal, expected, sd, promise, leastPromise } of input.outweighed)
      lines.push(
        `${showPair(proposal)}: the sampler expects ${showNumber(expected)} ± ${showNumber(sd)}; worth ${showShare(promise)} of the best change it knows, ${showShare(leastPromise)} was needed`,
      );
    lines.push('');
  }
  return lines;
}
