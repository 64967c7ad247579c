import createClient, { type Client } from 'openapi-fetch';
import { AppError, ERROR_CODES, type ErrorCode } from '@nightshift/protocol';
import type { components, paths } from './api.js';
import type { Connection } from './connection.js';

export type Api = Client<paths>;
export type Run = components['schemas']['Run'];
export type Iteration = components['schemas']['Iteration'];
export type Job = components['schemas']['Job'];
export type Box = components['schemas']['Box'];
type Problem = components['schemas']['Problem'];

/** A client of the REST API. Its calls reject with AppError `unavailable` when nobody answers. */
export function connect(connection: Connection): Api {
  const { server, token } = connection;
  return createClient<paths>({
    baseUrl: server,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    fetch: async (request) => {
      try {
        return await fetch(request);
      } catch (error) {
        if (request.signal.aborted) throw error;
        throw unreachable(server, error);
      }
    },
  });
}

/** The data of an answer. @throws AppError with the code that the server gave. */
export async function dataOf<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw problemOf(response, error);
}

export function problemOf(response: Response, body: unknown): AppError {
  const problem = (typeof body === 'object' && body !== null ? body : {}) as Partial<Problem>;
  const detail = problem.detail ?? problem.title ?? `${response.url} answered ${response.status}`;
  const request = problem.requestId ? ` (request ${problem.requestId})` : '';
  return new AppError(codeOf(problem.code, response.status), response.status >= 500 ? `${detail}${request}` : detail, {
    hint: problem.hint ?? hintFor(response.status),
    errors: problem.errors,
  });
}

function codeOf(code: string | undefined, status: number): ErrorCode {
  if (code !== undefined && (ERROR_CODES as readonly string[]).includes(code)) return code as ErrorCode;
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  return status >= 500 ? 'unavailable' : 'protocol_error';
}

function hintFor(status: number): string | undefined {
  if (status === 401) return 'set NIGHTSHIFT_TOKEN, or: nightshift login --server URL --token TOKEN';
  if (status === 502 || status === 503 || status === 504)
    return 'the control plane is starting or overloaded; try again';
  return undefined;
}

function unreachable(server: string, error: unknown): AppError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
  return new AppError('unavailable', `the control plane does not answer at ${server} (${why})`, {
    cause: error,
    hint: 'start one with `nightshift serve`, or name it with --server or NIGHTSHIFT_SERVER',
  });
}
