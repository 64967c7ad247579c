import { formatDuration } from '@nightshift/protocol';
import { improvementOver, meanOf } from '@nightshift/control-plane/trajectory/measurements';
import { gainText, metricText, plainText } from '@nightshift/control-plane/trajectory/wording';
import type { Api, Run } from './client.js';
import { followRun, type RunNews } from './follow-run.js';
import { iterationTable } from './iteration-line.js';

export interface Telling {
  say(text: string): void;
  /** Takes what is no news of the run: a lost connection. */
  complain(text: string): void;
  columns: number;
  signal: AbortSignal;
  /** Sees every piece of news, after it was told. */
  onNews?: (news: RunNews) => void;
}

/** Tells a run on a terminal, a line an iteration. @returns the run when it has ended; null when the signal aborted first. */
export async function tellRun(api: Api, { id, metric, measurement, spec }: Run, telling: Telling): Promise<Run | null> {
  const { say, signal } = telling;
  const table = iterationTable(metric.name, telling.columns);
  let hasHeading = false;
  const head = () => {
    if (!hasHeading) say(`${table.heading()}\n`);
    hasHeading = true;
  };
  const told = new Set<string>();
  let isMeasured = false;
  // In menu mode a refused answer is followed at once by the sampler's: it would only be noise.
  const isCode = spec.edit !== null && spec.edit !== undefined;
  const onLost = (error: Error) => telling.complain(`the control plane is away (${error.message}); still trying\n`);
  for await (const news of followRun(api, id, { signal, onLost })) {
    if (news.kind === 'baseline') isMeasured = true;
    if (news.kind === 'baseline')
      say(`${baselineText(metric.name, news.values)}${measurement === 'unsealed' ? ', unsealed' : ''}\n`);
    if (news.kind === 'waiting') say(`the run waits: ${plainText(news.why, 500)}\n`);
    if (news.kind === 'steered') say(`the run is ${news.what}\n`);
    if (news.kind === 'evaluator_reads')
      telling.complain(`warning: the evaluator reads edited files (${plainText(news.files.join(', '), 200)})\n`);
    if (news.kind === 'guards_broken')
      telling.complain(
        `warning: the baseline itself breaks a guard (${plainText(news.reasons.join('; '), 300)}): no change that does is kept\n`,
      );
    if (news.kind === 'source_changed') say(`${troubleText(news)}\n`);
    // All jobs of a source that is not there fail alike, again and again.
    if (news.kind === 'retried' && !told.has(`${news.reason} ${news.detail}`)) {
      told.add(`${news.reason} ${news.detail}`);
      say(`${troubleText(news)}\n`);
    }
    if (news.kind === 'screening') {
      head();
      say(`${String(news.iteration).padStart(3)}  ↳ screening${cheapText(spec)}\n`);
    }
    if (news.kind === 'outweighed') {
      head();
      const { iteration, knob, value, promise } = news;
      say(
        `${String(iteration).padStart(3)}  ↳ outweighed: the model's ${plainText(`${knob}=${value}`, 80)} promised ${promise.toFixed(2)} of what the sampler's own best does\n`,
      );
    }
    if (news.kind === 'screening_off') say(`screening is off from here on: ${plainText(news.why, 300)}\n`);
    if (news.kind === 'confirming')
      say(
        `the search is over; what iteration ${news.iteration} kept is measured anew ` +
          `(${news.measurements === 1 ? 'once' : `${news.measurements} times`}), and the report rests on that\n`,
      );
    if (news.kind === 'confirmed') say(`${confirmationText(metric, news)}\n`);
    if (news.kind === 'unconfirmed')
      telling.complain(`what iteration ${news.iteration} kept could not be confirmed: ${plainText(news.why, 500)}\n`);
    // The same answer again is refused again for the same reason: that is no news.
    if (isCode && (news.kind === 'repair' || (news.kind === 'refused' && !news.isRepeat))) {
      head();
      say(`${stepText(news, told)}\n`);
    }
    // What waited for a baseline that never came is no news: the run's end says why.
    const isNoNews = news.kind === 'iteration' && news.iteration.state === 'cancelled' && !isMeasured;
    if (
      news.kind === 'iteration' &&
      !isNoNews &&
      (news.iteration.proposal !== null || news.iteration.state === 'blocked')
    ) {
      head();
      say(`${table.line(news.iteration, news.from)}\n`);
    }
    if (news.kind === 'ended') {
      say(`the run is ${news.run.state}${news.run.endDetail ? `: ${plainText(news.run.endDetail, 500)}` : ''}\n`);
      say(nextStepText(news.run));
    }
    telling.onNews?.(news);
    if (news.kind === 'ended') return news.run;
  }
  return null;
}

function troubleText(news: Extract<RunNews, { kind: 'retried' | 'source_changed' }>): string {
  return news.kind === 'retried'
    ? `a job is tried again after attempt ${news.attempt}, ${plainText(news.reason, 40)}: ${plainText(news.detail, 300)}`
    : `the source folder is no longer what the run began with and goes on with (${plainText(news.detail, 200)})`;
}

/** Set in under the number of the iteration that it belongs to, whose own line comes when it is decided. */
function stepText(news: Extract<RunNews, { kind: 'refused' | 'repair' }>, told: Set<string>): string {
  const number = String(news.iteration).padStart(3);
  if (news.kind === 'repair')
    return `${number}  ↳ crashed (${plainText(news.what, 40)}), sent back for repair ${news.repair} of ${news.of}: ${plainText(news.summary, 80)}`;
  const why = `${news.iteration} ${news.rail} ${news.reason}`;
  if (told.has(why)) return `${number}  ↳ blocked by ${news.rail} again: another answer, the same fault`;
  told.add(why);
  return `${number}  ↳ blocked by ${news.rail}: ${plainText(news.reason, 160)}`;
}

function cheapText(spec: Run['spec']): string {
  const budgetMs = (spec as { fidelity?: { screen?: { budgetMs?: number } | null } | null }).fidelity?.screen?.budgetMs;
  return budgetMs === undefined ? ' for the cheap budget' : ` for ${formatDuration(budgetMs)} of training`;
}

/** What to do about a run that failed: whose fault it is, and where to look. */
function nextStepText({ id, state, endReason }: Run): string {
  if (state !== 'failed') return '';
  return endReason === 'baseline_failed'
    ? `  → the project failed as it is, before anything was changed; all that it printed: nightshift logs ${id} 0\n`
    : `  → no fault of a proposal; look at: nightshift boxes, nightshift logs ${id}\n`;
}

function baselineText(name: string, values: number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = values.length > 1 ? ` (${values.map(metricText).join(', ')})` : '';
  return `baseline ${plainText(name)} ${values.length === 0 ? 'not measured' : metricText(mean)}, n ${values.length}${spread}`;
}

// confirmed: val_bpb 3.63013 (3.61, 3.65), +7.80% over the baseline where it was measured
function confirmationText(
  { name, goal }: Run['metric'],
  { iteration, values, baseline }: Extract<RunNews, { kind: 'confirmed' }>,
): string {
  const gain = improvementOver(goal, meanOf(baseline), meanOf(values) ?? NaN);
  const against = gain === null ? 'the baseline was not measured there' : `${gainText(gain)} against the baseline`;
  return `confirmed: iteration ${iteration} has ${plainText(name)} ${metricText(meanOf(values))} (${values.map(metricText).join(', ')}), ${against}`;
}
