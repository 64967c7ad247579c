import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { AppError, type ErrorCode } from '@nightshift/protocol';
import { z } from 'zod';
import { saveCredentials, type Credentials } from './credentials.js';
import { readFacts } from './telemetry/facts.js';

export interface EnrolOptions {
  /** Base URL of the control plane. */
  server: string;
  /** The one-time token. */
  token: string;
  /** The box's name; its host name when left out. */
  name?: string | undefined;
  home: string;
  labels: string[];
}

const answerSchema = z.object({ boxId: z.string(), name: z.string(), credential: z.string().min(1) });
/** The control plane answers at once or not at all; longer only delays the message to the person at the terminal. */
const TIMEOUT_MS = 15_000;

/**
 * Exchanges a one-time token for this box's own credential and stores it in the home, readable by its owner only.
 * @throws AppError `unauthenticated` or `conflict` as the control plane says, `unavailable` when it cannot be reached.
 */
export async function enrol({ server, token, name, home, labels }: EnrolOptions): Promise<Credentials> {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const url = `${server.replace(/\/+$/, '')}/v1/enrolments/exchange`;
  const body = JSON.stringify({ token, name: name ?? defaultName(), labels, facts: await readFacts() });
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new AppError('unavailable', `the control plane does not answer at ${server}`, {
      cause: error,
      hint: 'is it running, and does this box reach it? nightshift agent doctor says more',
    });
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const problem = (answer ?? {}) as { code?: ErrorCode; detail?: string; title?: string; hint?: string };
    throw new AppError(
      problem.code ?? (response.status === 401 ? 'unauthenticated' : 'unavailable'),
      problem.detail ?? problem.title ?? `the control plane answered ${response.status} to ${url}`,
      { hint: problem.hint },
    );
  }
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success)
    throw new AppError('protocol_error', `${server} answered, but not as a control plane does`, {
      hint: 'check the server URL',
    });
  const credentials: Credentials = { server, ...parsed.data };
  saveCredentials(home, credentials);
  return credentials;
}

/** The host's name with what a box's name may not have replaced. */
function defaultName(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
  return name || 'box';
}
