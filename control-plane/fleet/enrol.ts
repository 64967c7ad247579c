import { AppError, type BoxFacts } from '@nightshift/protocol';
import {
  consumeEnrolment,
  insertBox,
  insertToken,
  newSecret,
  recordEvent,
  type BoxRow,
  type TokenRow,
} from '@nightshift/db';
import type { FleetDeps } from './deps.js';

/** Makes a one-time enrolment token. The secret is in the answer and nowhere else. */
export async function createEnrolment(
  deps: Pick<FleetDeps, 'db'>,
  options: { name: string; ttlMs: number },
): Promise<{ secret: string; token: TokenRow }> {
  const secret = newSecret('nse');
  const token = await insertToken(deps.db, {
    kind: 'enrolment',
    secret,
    name: options.name,
    expiresAt: new Date(Date.now() + options.ttlMs),
  });
  return { secret, token };
}

/**
 * Exchanges an enrolment token for a box's own credential. A token works once.
 * @throws AppError unauthenticated (unknown, used or expired token), conflict (the name is taken).
 */
export async function exchangeEnrolment(
  deps: Pick<FleetDeps, 'db'>,
  request: { token: string; name: string; labels: string[]; facts: BoxFacts | null },
): Promise<{ box: BoxRow; credential: string }> {
  return deps.db.transaction(async (tx) => {
    const used = await consumeEnrolment(tx, request.token);
    if (!used)
      throw new AppError('unauthenticated', 'the enrolment token is unknown, used or expired', {
        hint: 'make a new one with: nightshift boxes enrol',
      });
    const box = await insertBox(tx, { name: request.name, labels: request.labels, facts: request.facts });
    if (!box)
      throw new AppError('conflict', `a box named ${request.name} is enrolled already`, {
        hint: `choose another with --name, or remove the old one: nightshift boxes remove ${request.name}`,
      });
    const credential = newSecret('nsb');
    await insertToken(tx, { kind: 'box', secret: credential, name: `box ${box.name}`, boxId: box.id });
    await recordEvent(tx, { type: 'box.enrolled', boxId: box.id, payload: { name: box.name } });
    return { box, credential };
  });
}
