import { problemOf, type Api } from './client.js';

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
  while (!signal.aborted) {
    let answer;
    try {
      answer = await api.GET('/v1/jobs/{id}/log', {
        params: { path: { id }, header: { range: `bytes=${offset}-` }, query: { wait: follow ? WAIT_SECONDS : 0 } },
        parseAs: 'arrayBuffer',
        signal,
      });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const { response, data, error } = answer;
    const isComplete = response.headers.get('x-log-complete') === 'true';
    // 416 says that there is nothing there yet, or no more.
    if (response.status === 416) {
      if (!follow || isComplete) return;
      continue;
    }
    if (!response.ok) throw problemOf(response, error);
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes.length > 0) yield { offset, bytes };
    offset += bytes.length;
    const size = Number(response.headers.get('content-range')?.split('/')[1] ?? offset);
    // A log that was whole before the job ended may have grown between the two: it is asked for once more.
    if (offset >= size && !follow) return;
  }
}
