import { changedKnobs, type Config, type Decision } from '@nightshift/protocol';
import { gainText, metricText, plainText } from '../trajectory/wording.js';
import type { KeptIteration, LedgerInput } from './ledger.js';

const WIDTH = 72;

/** The message of a kept patch: summary, reason, numbers, the knobs that were kept since, and trailers for programs. */
export function keptMessage(
  run: LedgerInput['run'],
  kept: KeptIteration,
  since: { config: Config; knobs: readonly KeptIteration[] },
): string {
  const patch = kept.patch as NonNullable<KeptIteration['patch']>;
  const paragraphs = [
    subject(patch.summary, `Iteration ${kept.number}`),
    wrap(patch.reason),
    wrap(numbersText(run.metric.name, kept.decision)),
    knobsText(kept.config, since),
    trailers(run, [
      ['Nightshift-Iteration', String(kept.number)],
      ...(kept.codeKey === null ? [] : [['Nightshift-Code', kept.codeKey] as const]),
      ...configTrailer(kept.config),
    ]),
  ];
  return join(paragraphs);
}

/** The message of the first commit of a run whose source is in no repository. */
export function startMessage(run: LedgerInput['run']): string {
  return join([
    subject(`Start from the editable files of ${run.project}`, 'Start'),
    wrap(
      'The source is in no repository, so that this commit holds the files that a patch may change, and nothing else.',
    ),
    trailers(run, configTrailer(run.baselineConfig)),
  ]);
}

/** The message of one commit for all that was kept. */
export function squashedMessage(
  run: { id: string; project: string },
  subjects: readonly string[],
  trailerLines: readonly string[],
): string {
  const n = subjects.length;
  return join([
    subject(`Keep what ${n} ${n === 1 ? 'patch' : 'patches'} of ${run.project} gained`, 'Keep'),
    subjects.map((line) => `* ${line}`).join('\n'),
    [`Nightshift-Run: ${run.id}`, ...trailerLines].join('\n'),
  ]);
}

/** What was measured, in one sentence. */
export function numbersText(metricName: string, decision: Decision | null): string {
  if (decision === null) return '';
  const name = plainText(metricName, 100);
  const { candidateMean, candidateN, comparatorMean, comparatorN, effect, standardError } = decision;
  const error = standardError === null ? '' : ` ± ${(standardError * 100).toFixed(2)}%`;
  const from = comparatorMean === null ? '' : `${metricText(comparatorMean)} -> `;
  const against = comparatorMean === null ? '' : ` against ${comparatorN} of the ${decision.comparator}`;
  const gain = effect === null ? '' : `, effect ${gainText(effect)}${error}`;
  return `${name} ${from}${metricText(candidateMean)}${gain} (n ${candidateN}${against}).`;
}

function knobsText(config: Config, since: { config: Config; knobs: readonly KeptIteration[] }): string {
  const changed = changedKnobs(since.config, config);
  if (changed.length === 0) return '';
  const lines = changed.map((name) => {
    const by = since.knobs.filter(({ knob }) => knob?.knob === name).map(({ number }) => number);
    const where = by.length === 0 ? '' : ` (iteration ${by.join(', ')})`;
    return plainText(`* ${name}: ${String(since.config[name])} -> ${String(config[name])}${where}`, 300);
  });
  return ['Measured with these knobs changed since the commit before:', ...lines].join('\n');
}

function trailers(run: LedgerInput['run'], own: readonly (readonly [string, string])[]): string {
  return [
    `Nightshift-Run: ${run.id}`,
    ...own.map(([name, value]) => `${name}: ${value}`),
    ...(run.isUnsealed ? ['Nightshift-Measurement: unsealed'] : []),
    ...(run.evaluatorReads.length > 0
      ? [`Nightshift-Measurement: sealed, evaluator reads edited ${plainText(run.evaluatorReads.join(', '), 200)}`]
      : []),
  ].join('\n');
}

function configTrailer(config: Config): (readonly [string, string])[] {
  const names = Object.keys(config).sort();
  if (names.length === 0) return [];
  const sorted = JSON.stringify(Object.fromEntries(names.map((name) => [name, config[name]])));
  return [['Nightshift-Config', sorted]];
}

/** A first line that survives the way through mail: without brackets and "Re:" in front, which mail readers take off. */
function subject(summary: string, otherwise: string): string {
  const text = plainText(summary, 200)
    .replace(/\s+/g, ' ')
    .replace(/^(?:\[([^\]]*)\]\s*)+/, (_all, inner: string) => (inner.trim() === '' ? '' : `${inner.trim()}: `))
    .replace(/^(?:re|aw|fwd):\s*/i, '')
    .trim();
  return text === '' ? otherwise : text;
}

/** Lines of at most 72 characters. One that mail or git would take for a mark of theirs is set in by a blank. */
function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of plainText(text, 4000).split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else if (word !== '') lines.push(word);
  }
  return lines
    .map((line) =>
      /^(?:---|diff |index |from[ :]|date:|subject:|content-|\[patch\]|>|#|\* )/i.test(line) ? ` ${line}` : line,
    )
    .join('\n');
}

function join(paragraphs: readonly string[]): string {
  return `${paragraphs.filter((text) => text !== '').join('\n\n')}\n`;
}
