import { metricText, plainText } from '@nightshift/control-plane/trajectory/wording';
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
export async function tellRun(api: Api, { id, metric }: Run, telling: Telling): Promise<Run | null> {
  const { say, signal } = telling;
  const table = iterationTable(metric.name, telling.columns);
  let hasHeading = false;
  const onLost = (error: Error) => telling.complain(`the control plane is away (${error.message}); still trying\n`);
  for await (const news of followRun(api, id, { signal, onLost })) {
    if (news.kind === 'baseline') say(`${baselineText(metric.name, news.values)}\n`);
    if (news.kind === 'steered') say(`the run is ${news.what}\n`);
    if (news.kind === 'iteration' && news.iteration.proposal !== null) {
      if (!hasHeading) say(`${table.heading()}\n`);
      hasHeading = true;
      say(`${table.line(news.iteration, news.from)}\n`);
    }
    if (news.kind === 'ended')
      say(`the run is ${news.run.state}${news.run.endDetail ? `: ${plainText(news.run.endDetail, 500)}` : ''}\n`);
    telling.onNews?.(news);
    if (news.kind === 'ended') return news.run;
  }
  return null;
}

function baselineText(name: string, values: number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = values.length > 1 ? ` (${values.map(metricText).join(', ')})` : '';
  return `baseline ${plainText(name)} ${values.length === 0 ? 'not measured' : metricText(mean)}, n ${values.length}${spread}`;
}
