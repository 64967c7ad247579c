import {
  advanceWebhook,
  claimWebhook,
  failWebhook,
  latestEventCursor,
  listDueWebhooks,
  listEvents,
  type Db,
  type WebhookRow,
} from '@nightshift/db';
import type { Log } from '../loop/deps.js';
import { post } from './post.js';
import { sign, SIGNATURE_HEADER } from './sign.js';

export interface WebhookDeps {
  db: Db;
  log: Log;
}

/** Events read for one webhook at a time. */
const BATCH = 50;
/** Receivers that are spoken to at once. */
const PARALLEL = 8;
/** A webhook is held this long for each delivery: above the timeout of one, so that a second replica never sends beside the first. */
const LEASE_MS = 30_000;
/** The pause after the first failure, doubling up to the longest. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 3_600_000;
/** After so many failures in a row, about three days, nobody listens there any more. */
const MAX_FAILURES = 80;

/**
 * Sends events to webhooks: in order, at least once, moving a webhook's cursor only when its receiver answered 2xx. Any number of replicas
 * may run it on one database.
 */
export function startWebhooks(deps: WebhookDeps, options: { sweepMs: number }): { stop(): Promise<void> } {
  const stopped = new AbortController();
  let sweeping: Promise<void> | undefined;
  const timer = setInterval(() => {
    sweeping ??= deliverDue(deps, stopped.signal)
      .catch((error: unknown) =>
        deps.log.warn({ err: error }, 'webhooks could not be looked at; the sweep tries again'),
      )
      .finally(() => {
        sweeping = undefined;
      });
  }, options.sweepMs);
  return {
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await sweeping;
    },
  };
}

/** Delivers what waits for every webhook that nobody holds, until nothing is left or the receiver fails. */
export async function deliverDue(deps: WebhookDeps, signal: AbortSignal): Promise<void> {
  const due = await listDueWebhooks(deps.db);
  if (due.length === 0) return;
  const latest = await latestEventCursor(deps.db);
  const behind = due.filter((hook) => hook.cursor !== latest);
  const work = async () => {
    for (let hook = behind.shift(); hook && !signal.aborted; hook = behind.shift())
      await catchUp(deps, hook, latest, signal);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

async function catchUp(deps: WebhookDeps, due: WebhookRow, latest: string, signal: AbortSignal): Promise<void> {
  let hook = await claimWebhook(deps.db, due, LEASE_MS);
  while (hook) {
    const types = hook.types.length === 0 ? undefined : hook.types;
    const batch = await listEvents(deps.db, { after: hook.cursor, types, limit: BATCH });
    if (batch.length === 0) {
      // Everything up to `latest` was looked at: the next sweep begins there.
      await advanceWebhook(deps.db, hook, isAhead(latest, hook.cursor) ? latest : hook.cursor, 0);
      return;
    }
    for (const event of batch) {
      const body = JSON.stringify(event);
      const headers = {
        'user-agent': 'nightshift',
        'nightshift-webhook': hook.id,
        [SIGNATURE_HEADER]: sign(hook.secret, body, Math.floor(Date.now() / 1000)),
      };
      const sent = await post(hook.url, body, headers, signal);
      if (!sent.ok) return giveUp(deps, hook, sent.reason, signal.aborted);
      hook = await advanceWebhook(deps.db, hook, event.cursor, LEASE_MS);
      if (!hook) return;
    }
  }
}

async function giveUp(deps: WebhookDeps, hook: WebhookRow, reason: string, isStopping: boolean): Promise<void> {
  if (isStopping) {
    await advanceWebhook(deps.db, hook, hook.cursor, 0);
    return;
  }
  const failures = hook.failures + 1;
  const delayMs = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** hook.failures);
  const isOver = failures >= MAX_FAILURES;
  await failWebhook(deps.db, hook, isOver ? null : delayMs);
  const fields = { webhook: hook.id, failures, reason };
  if (isOver) deps.log.warn(fields, 'a webhook is disabled: its receiver has failed for days');
  else deps.log.info(fields, 'a webhook could not be delivered; it is tried again');
}

/** Compares two cursors "txid-id" by their numbers. */
function isAhead(a: string, b: string): boolean {
  const [[aTx = 0n, aId = 0n], [bTx = 0n, bId = 0n]] = [a, b].map((cursor) => cursor.split('-').map(BigInt)) as [
    bigint[],
    bigint[],
  ];
  return aTx === bTx ? aId > bId : aTx > bTx;
}
