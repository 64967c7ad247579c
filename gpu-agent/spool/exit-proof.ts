import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exitRecordSchema, type ExitRecord } from '@nightshift/protocol';
import { writeOnce } from './atomic.js';

/** Keys of homes, read once: what a job does to the file later does not reach an agent that runs. */
const keys = new Map<string, Buffer>();

/**
 * The key with which an attempt's runner signs its account: handed over on the runner's standard input, never in an
 * environment or in the job's directory. Made from one secret of the home, so that the next agent can check it too.
 */
export function proofKey(home: string, attempt: { attemptId: string; token: string }): string {
  return createHmac('sha256', homeKey(home)).update(`${attempt.attemptId}\0${attempt.token}`).digest('hex');
}

/** What `exit.json` holds: the record and the proof that the attempt's runner, or the agent, wrote it. */
export function signExit(record: ExitRecord, key: string): string {
  return JSON.stringify({ ...record, proof: proofOf(JSON.stringify(record), key) });
}

/** Reads an exit record back; null when it is none, or was written by somebody who does not have the key. */
export function readSignedExit(path: string, key: string): ExitRecord | null {
  try {
    const { proof, ...record } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const right = Buffer.from(proofOf(JSON.stringify(record), key));
    const given = Buffer.from(typeof proof === 'string' ? proof : '');
    if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
    const parsed = exitRecordSchema.safeParse(record);
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function proofOf(text: string, key: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

function homeKey(home: string): Buffer {
  const known = keys.get(home);
  if (known) return known;
  const path = join(home, 'proof.key');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeOnce(path, randomBytes(32).toString('hex'));
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
  if (key.length !== 32) throw new Error(`${path} holds no key: remove it, and jobs that have ended are run again`);
  keys.set(home, key);
  return key;
}
