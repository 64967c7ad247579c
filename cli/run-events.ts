import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import { problemOf, type Api } from './client.js';
import { unlessAborted } from './interrupt.js';
import { readEventStream } from './event-stream.js';
import { readChunks } from './read-chunks.js';

export interface RunEvent {
  type: string;
  payload: Record<string, unknown>;
  createdAt: string;
}

/** First pause before a new connection, doubled up to the longest. Shorter hammers a control plane that restarts, longer shows news late. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A control plane that is away for longer is not restarting: whoever waits is told. */
const GIVE_UP_MS = 300_000;

/**
 * The events of a run from its beginning, for as long as one reads. A lost connection is taken up where it broke off.
 * @throws AppError as the server says; `unavailable` when it has been away for five minutes, or at the very first try.
 */
export async function* runEvents(
  api: Api,
  runId: string,
  options: { signal: AbortSignal; onLost?: (error: AppError) => void },
): AsyncGenerator<RunEvent> {
  const { signal, onLost } = options;
  let after: string | undefined;
  let hasConnected = false;
  let lostAt: number | null = null;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      const stream = await unlessAborted(open(api, runId, after, signal), signal);
      if (stream === null) return;
      [hasConnected, lostAt, pauseMs] = [true, null, FIRST_PAUSE_MS];
      for await (const event of readEventStream(readChunks(stream, signal))) {
        after = event.id;
        yield JSON.parse(event.data) as RunEvent;
      }
    } catch (error) {
      if (signal.aborted) return;
      // Anything but a broken connection is an answer, and stays one.
      if (error instanceof AppError && error.code !== 'unavailable') throw error;
      if (error instanceof SyntaxError) throw new AppError('protocol_error', 'an event was not JSON', { cause: error });
      const lost =
        error instanceof AppError ? error : new AppError('unavailable', 'the connection broke off', { cause: error });
      if (!hasConnected) throw lost;
      if (lostAt === null) onLost?.(lost);
      lostAt ??= performance.now();
      if (performance.now() - lostAt > GIVE_UP_MS) throw lost;
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function open(
  api: Api,
  runId: string,
  after: string | undefined,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const { data, error, response } = await api.GET('/v1/events', {
    params: { query: { run: runId, from: 'start', ...(after === undefined ? {} : { after }) } },
    parseAs: 'stream',
    signal,
  });
  if (!response.ok) throw problemOf(response, error);
  if (!data) throw new AppError('protocol_error', `${response.url} gave no stream`);
  return data as ReadableStream<Uint8Array>;
}
