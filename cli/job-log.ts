import { problemOf, type Api } from './client.js';
import { unlessAborted } from './interrupt.js';
import { patiently } from './patience.js';

export interface LogPart {
  offset: number;
  bytes: Uint8Array;
}

/** How long the control plane may hold an answer while a log does not grow; proxies cut silent requests at 60 s. */
const WAIT_SECONDS = 25;

/** The bytes of a job's log from the beginning, in parts; with `follow`, until the job has ended and everything was read. */
export async function* readJobLog(
  api: Api,
  id: string,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
): AsyncGenerator<LogPart> {
  let offset = 0;
  let hasHeard = false;
  while (!signal.aborted) {
    const ask = () => askForLog(api, id, { offset, follow, signal });
    // Only a follower bears with a control plane that restarts: who asks once wants to know.
    const answer = follow && hasHeard ? await patiently(ask, { signal }) : await ask();
    if (answer === null) return;
    hasHeard = true;
    const { response, data, error } = answer;
    // `bytes 0-9/10` of a part; `bytes */10` says with 416 that there is nothing there yet, or no more.
    const size = Number(response.headers.get('content-range')?.split('/')[1] ?? Number.NaN);
    if (response.status === 416) {
      // Shorter than what was read: the job was lost, and its next attempt begins anew.
      if (size < offset) offset = 0;
      else if (!follow || response.headers.get('x-log-complete') === 'true') return;
      continue;
    }
    if (!response.ok) throw problemOf(response, error);
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes.length > 0) yield { offset, bytes };
    offset += bytes.length;
    // A log that is whole now may have grown before the job ended: a follower asks once more, and is told by 416.
    if (!follow && !(offset < size)) return;
  }
}

function askForLog(
  api: Api,
  id: string,
  { offset, follow, signal }: { offset: number; follow: boolean; signal: AbortSignal },
) {
  const call = api.GET('/v1/jobs/{id}/log', {
    params: { path: { id }, header: { range: `bytes=${offset}-` }, query: { wait: follow ? WAIT_SECONDS : 0 } },
    parseAs: 'arrayBuffer',
    signal,
  });
  return unlessAborted(call, signal);
}
