import { randomBytes } from 'node:crypto';
import WebSocket from 'ws';
import {
  LOG_FRAME_BYTES,
  LOG_WINDOW_BYTES,
  METRIC_FRAME_POINTS,
  type ControlFrame,
  type JobSpec,
} from '@nightshift/protocol';
import type { House } from './house.js';

const SECONDS = 4;

interface Peer {
  attempt: { attemptId: string; token: string };
  send(frame: object): void;
  onAck(listener: (ack: { logOffset?: number; metricSeq?: number }) => void): void;
  close(): void;
}

/** A box that speaks the real protocol over a real socket and holds one real attempt. */
async function connect(house: House, name: string): Promise<Peer> {
  const { secret: token } = await house.api<{ secret: string }>('POST', '/enrolments', { name });
  const facts = {
    hostname: name,
    os: 'linux',
    arch: 'x64',
    cpus: 1,
    memoryBytes: 1,
    gpus: [],
    node: 'v20',
    agentVersion: 'bench',
  };
  const response = await fetch(`${house.controlPlane.url}/v1/enrolments/exchange`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, name, labels: [], facts }),
  });
  const { credential } = (await response.json()) as { credential: string };
  const socket = new WebSocket(`${house.controlPlane.url.replace('http', 'ws')}/v1/agent`, {
    headers: { authorization: `Bearer ${credential}` },
    perMessageDeflate: false,
  });
  let listener: (ack: { logOffset?: number; metricSeq?: number }) => void = () => {};
  const job = await new Promise<JobSpec>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () =>
      socket.send(JSON.stringify({ type: 'hello', protocol: 1, facts, attempts: [], dirty: [], freeSlots: 1 })),
    );
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ControlFrame;
      if (frame.type === 'assign') resolve(frame.job);
      if (frame.type === 'ack') listener(frame);
      if (frame.type === 'stale' || frame.type === 'error') reject(new Error(JSON.stringify(frame)));
    });
  });
  const attempt = { attemptId: job.attemptId, token: job.token };
  socket.send(JSON.stringify({ type: 'accepted', ...attempt }));
  socket.send(JSON.stringify({ type: 'phase', ...attempt, phase: 'train', at: new Date().toISOString() }));
  return {
    attempt,
    send: (frame) => socket.send(JSON.stringify(frame)),
    onAck: (to) => (listener = to),
    close: () => socket.close(),
  };
}

async function startJob(house: House): Promise<{ id: string }> {
  return house.api('POST', '/runs', {
    spec: {
      name: 'ingest',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'true' },
      menu: { knobs: { a: { type: 'int', range: [0, 9], default: 1 } } },
      decision: { baselineReplicates: 1 },
    },
  });
}

/** Sends as fast as the window allows for a few seconds; what counts is what was acknowledged as durable. */
async function flood(
  step: (sent: number) => number,
  windowSize: number,
  onAck: (listener: (durable: number) => void) => void,
): Promise<number> {
  let sent = 0;
  let durable = 0;
  const startedAt = performance.now();
  const until = startedAt + SECONDS * 1000;
  await new Promise<void>((resolve) => {
    const pump = () => {
      if (performance.now() < until) while (sent - durable < windowSize) sent = step(sent);
      else if (durable >= sent) resolve();
    };
    onAck((value) => {
      durable = value;
      pump();
    });
    pump();
  });
  return durable / ((performance.now() - startedAt) / 1000);
}

/** Log bytes and metric points a second through the agent's protocol, against plain batched inserts into the same tables. */
export async function ingest(house: House) {
  const run = await startJob(house);
  const peer = await connect(house, 'ingest');
  const chunk = randomBytes(LOG_FRAME_BYTES).toString('base64');
  const logBytes = await flood(
    (sent) => {
      peer.send({ type: 'log', ...peer.attempt, offset: sent, data: chunk });
      return sent + LOG_FRAME_BYTES;
    },
    LOG_WINDOW_BYTES,
    (listener) => peer.onAck((ack) => ack.logOffset !== undefined && listener(ack.logOffset)),
  );
  const points = Array.from({ length: METRIC_FRAME_POINTS }, (_, i) => ({ name: 'loss', value: i / 7, step: i }));
  const metricPoints = await flood(
    (sent) => {
      peer.send({ type: 'metrics', ...peer.attempt, seq: sent, points });
      return sent + METRIC_FRAME_POINTS;
    },
    METRIC_FRAME_POINTS * 32,
    (listener) => peer.onAck((ack) => ack.metricSeq !== undefined && listener(ack.metricSeq)),
  );
  const plain = await plainInserts(house, peer.attempt.attemptId);
  peer.close();
  await house.api('POST', `/runs/${run.id}/stop`);
  return {
    logBytesPerSecond: logBytes,
    plainLogBytesPerSecond: plain.logBytes,
    metricPointsPerSecond: metricPoints,
    plainMetricPointsPerSecond: plain.points,
  };
}

async function plainInserts(house: House, attemptId: string): Promise<{ logBytes: number; points: number }> {
  const { sql } = house.controlPlane.database;
  const data = randomBytes(512 * 1024);
  let offset = 1e12;
  const logs = await perSecond(async () => {
    await sql`insert into log_chunks (attempt_id, "offset", data) values (${attemptId}, ${(offset += data.length)}, ${data})`;
    return data.length;
  });
  let seq = 1_000_000_000;
  const points = await perSecond(async () => {
    const seqs = Array.from({ length: 500 }, () => (seq += 1));
    await sql`insert into metric_points (attempt_id, seq, name, value, step)
      select ${attemptId}, s, 'loss', s / 7.0, s from unnest(${seqs}::integer[]) as s`;
    return seqs.length;
  });
  return { logBytes: logs, points };
}

async function perSecond(insert: () => Promise<number>): Promise<number> {
  let done = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < SECONDS * 1000) done += await insert();
  return done / ((performance.now() - startedAt) / 1000);
}
