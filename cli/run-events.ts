import { AppError } from '@nightshift/protocol';
import { problemOf, type Api } from './client.js';
import { readEventStream } from './event-stream.js';
import { unlessAborted } from './interrupt.js';
import { Patience, type PatienceOptions } from './patience.js';
import { readChunks } from './read-chunks.js';

export interface RunEvent {
  type: string;
  payload: Record<string, unknown>;
  createdAt: string;
}

/**
 * The events of a run from its beginning, for as long as one reads. A lost connection is taken up where it broke off.
 * @throws AppError as the server says; `unavailable` at the very first try, and later when patience is at its end.
 */
export async function* runEvents(api: Api, runId: string, options: PatienceOptions): AsyncGenerator<RunEvent> {
  const { signal } = options;
  const patience = new Patience(options);
  let after: string | undefined;
  let hasConnected = false;
  while (!signal.aborted) {
    try {
      const stream = await unlessAborted(open(api, runId, after, signal), signal);
      if (stream === null) return;
      hasConnected = true;
      patience.heard();
      for await (const event of readEventStream(readChunks(stream, signal))) {
        after = event.id;
        yield JSON.parse(event.data) as RunEvent;
      }
      // The server ended the stream, as it does when it shuts down.
      await patience.pause();
    } catch (error) {
      const known = asAppError(error);
      if (!hasConnected) throw known;
      await patience.after(known);
    }
  }
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof SyntaxError) return new AppError('protocol_error', 'an event was not JSON', { cause: error });
  return new AppError('unavailable', 'the connection broke off', { cause: error });
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
