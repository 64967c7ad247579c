import { changedKnobs, type Config, type TrajectoryRecord } from '@nightshift/protocol';
import { countText, escapeMarkdown, gainText, metricText } from '../trajectory/wording.js';
import { lineTo } from './build-ledger.js';
import { branchOf, type Ledger, type LedgerCommit } from './ledger.js';

/** What the body says beside the commits. Fractions are of the comparator or of the baseline; positive is better. */
export interface Evidence {
  metric: { name: string; goal: 'minimize' | 'maximize' };
  isUnsealed: boolean;
  /** Edited files that the evaluator reads. */
  evaluatorReads: readonly string[];
  /** How the source folder differs by now from what the run goes on with; null when it does not. */
  sourceChanged: string | null;
  baseline: { mean: number | null; n: number; config: Config };
  /** The best that was measured, by its shrunken mean; null when nothing was. */
  best: {
    /** Null: the baseline. */
    iteration: number | null;
    /** Whether it is what the branch ends with (and the knobs beside it). */
    isHead: boolean;
    n: number;
    shrunken: number;
    /** By measurements made after it was chosen alone. */
    isConfirmed: boolean;
    standardError: number | null;
    improvement: number | null;
    headline: number | null;
  } | null;
  /** Of one measurement, in the metric's unit. */
  noise: { sd: number | null; degreesOfFreedom: number };
  incumbentConfig: Config;
  /** The session that the run goes on from, as Markdown of its own; null when there is none. */
  earlier: string | null;
  records: readonly (TrajectoryRecord & { added: number | null; removed: number | null })[];
}

const MOST_ROWS = 100;

/** The body of a pull request with its evidence, in Markdown. Every text from outside is escaped. Pure. */
export function pullRequest(ledger: Ledger, evidence: Evidence): string {
  const { metric, records } = evidence;
  const line = lineTo(ledger, ledger.head);
  const onBranch = new Set(line);
  const kept = ledger.commits.filter(({ iteration, runId }) => iteration !== null && runId === ledger.runId);
  const others = records.filter(({ outcome }) => outcome !== 'kept');
  const blocks = [
    `## ${escapeMarkdown(titleOf(kept.length, ledger.project))}`,
    claim(evidence),
    evidence.isUnsealed
      ? '> **Unsealed.** The edited files evaluate themselves: no sealed evaluator stands between a patch and its number.'
      : '',
    evidence.evaluatorReads.length > 0
      ? `> **The evaluator reads edited files** (${evidence.evaluatorReads.map(escapeMarkdown).join(', ')}): a patch can speak in its place.`
      : '',
    evidence.sourceChanged === null
      ? ''
      : `> **The source has changed** since the run began (${escapeMarkdown(evidence.sourceChanged)}): these commits stand on what it began with.`,
    '### Kept',
    kept.length === 0
      ? 'No patch was kept.'
      : table(
          ['commit', 'iteration>', 'change', `${metric.name}>`, 'effect ± se>', 'n>', 'lines>'],
          kept.map((commit) => keptRow(commit, records, onBranch.has(commit))),
        ),
    kept.some((commit) => !onBranch.has(commit))
      ? `Commits marked with an asterisk are not part of the branch; each is the tip of \`${branchOf(ledger.runId)}-<iteration>\`.`
      : '',
    knobs(evidence),
    '### Noise',
    noiseText(evidence),
  ];
  if (others.length > 0)
    blocks.push(
      '### Tried without success',
      table(
        ['iteration>', 'change', 'outcome', 'effect ± se>', 'cause'],
        others
          .slice(-MOST_ROWS)
          .map((record) => [
            String(record.iteration),
            whatOf(record),
            record.outcome.replace('_', ' '),
            effectOf(record),
            record.failure ??
              (record.outcome === 'screened_out'
                ? 'worse at the cheap budget'
                : record.rail === null
                  ? ''
                  : `rail ${record.rail}`),
          ]),
      ),
      others.length > MOST_ROWS ? `and ${others.length - MOST_ROWS} earlier ones` : '',
    );
  if (evidence.earlier !== null) blocks.push(evidence.earlier);
  blocks.push(
    '### Rebuild it',
    [
      '```sh',
      `nightshift export ${ledger.runId} --format branch   # ${branchOf(ledger.runId)}, the same commit ids everywhere`,
      `nightshift export ${ledger.runId} --format branch --squash`,
      '```',
    ].join('\n'),
  );
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function titleOf(kept: number, project: string): string {
  return `${project}: ${countText(kept, 'kept patch', 'kept patches')}`;
}

function claim({ metric, baseline, best }: Evidence): string {
  const name = escapeMarkdown(metric.name);
  const better = metric.goal === 'minimize' ? 'lower is better' : 'higher is better';
  const from = `the baseline measured ${metricText(baseline.mean)} (n ${baseline.n})`;
  if (best === null || best.iteration === null)
    return `Nothing that was measured is better than the baseline; ${from}; ${name}, ${better}.`;
  const error = best.standardError === null ? '' : ` ± ${metricText(Number(best.standardError.toPrecision(2)))}`;
  const how = best.n > 1 ? `measured ${best.n} times` : '**measured once: not replicated**';
  const luck =
    best.headline === null ? '' : ` The luckiest single measurement would have claimed ${gainText(best.headline)}.`;
  return (
    `${name} ${metricText(best.shrunken)}${error} (${better}), ${how}; ${from}: **${gainText(best.improvement)}**, ` +
    `${best.isConfirmed ? 'by measurements made after it was chosen' : 'an estimate that is shrunken against luck'}.${luck}` +
    (best.isHead ? '' : ` That is iteration ${best.iteration}, which is not what the branch ends with.`)
  );
}

function keptRow(commit: LedgerCommit, records: Evidence['records'], isOnBranch: boolean): string[] {
  const record = records.find(({ iteration }) => iteration === commit.iteration);
  // On a repository's own commit only that repository knows the id.
  const id = commit.id === null ? 'not known here' : commit.id.slice(0, 10);
  return [
    `${id}${isOnBranch ? '' : '*'}`,
    String(commit.iteration),
    commit.message.split('\n', 1)[0] as string,
    metricText(record?.metric ?? null),
    record ? effectOf(record) : '',
    String(record?.values.length ?? 0),
    record?.added == null ? '' : `+${record.added} −${record.removed}`,
  ];
}

function knobs({ baseline, incumbentConfig }: Evidence): string {
  const changed = changedKnobs(baseline.config, incumbentConfig);
  if (changed.length === 0) return '';
  return [
    '### Knobs',
    '',
    'The best was measured with these; they are in no file of the branch:',
    '',
    table(
      ['knob', 'baseline', 'best'],
      changed.map((name) => [name, String(baseline.config[name]), String(incumbentConfig[name])]),
    ),
  ].join('\n');
}

function noiseText({ noise, metric }: Evidence): string {
  if (noise.sd === null) return 'Not known: nothing was measured twice.';
  return `One measurement of ${escapeMarkdown(metric.name)} has a standard deviation of ${metricText(Number(noise.sd.toPrecision(3)))} (${countText(noise.degreesOfFreedom, 'degree')} of freedom).`;
}

function whatOf(record: TrajectoryRecord): string {
  if (record.description !== undefined) return record.description;
  return record.proposal === null ? 'no proposal' : `${record.proposal.knob} = ${String(record.proposal.newValue)}`;
}

function effectOf({ decision }: TrajectoryRecord): string {
  if (decision?.effect == null) return '';
  return `${gainText(decision.effect)}${decision.standardError === null ? '' : ` ± ${(decision.standardError * 100).toFixed(2)}`}`;
}

/** A heading that ends with > is of a column of numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const names = head.map((name) => escapeMarkdown(name.replace(/>$/, '')));
  const rule = head.map((name) => (name.endsWith('>') ? '---:' : '---'));
  return [names, rule, ...rows.map((row) => row.map(escapeMarkdown))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
