import { WebSocket } from 'ws';
import { PROTOCOL_VERSION, type AgentFrame, type ExitRecord, type JobSpec } from '@nightshift/protocol';
import type { Client } from '../e2e/client.js';
import { startWorld, type World } from '../e2e/harness.js';
import { toySpec } from '../e2e/toy.js';
import { seeded, type Random } from './faults.js';
import { mutate, nastyText, nudge, spoil } from './mutate.js';

export interface FuzzReport {
  seconds: number;
  frames: number;
  /** Connections that the control plane closed, by code. */
  closes: Record<string, number>;
  /** Batches after which the connection still stood and answered. */
  answered: number;
  bodies: number;
  statuses: Record<string, number>;
  heapBytes: { before: number; after: number };
  problems: string[];
}

/** What a close may say: the protocol's own codes, and the websocket's for what is no text or too large. */
const EXPECTED = new Set([4400, 4403, 4408, 4409, 4413, 4426, 1007, 1009]);
const SILENCE_MS = 15_000;
const BOXES = 4;

const at = '2026-01-01T00:00:00.000Z';
const EXIT: ExitRecord = {
  reason: 'completed',
  detail: 'score is 1',
  exitCode: 0,
  signal: null,
  metric: 1,
  phases: [
    {
      phase: 'train',
      exitCode: 0,
      signal: null,
      startedAt: at,
      endedAt: at,
      durationMs: 1,
      stoppedBy: [],
      clock: null,
    },
  ],
  startedAt: at,
  endedAt: at,
  logBytes: 4,
  logBytesDropped: 0,
  metricCount: 1,
  leftPids: [],
  killedDescendants: 0,
  energyWh: 0.1,
  peakMemoryBytes: 1,
  fingerprint: { host: 'fuzz' },
};
const gpu = { index: 0, name: 'H', memoryBytes: 1, isUnified: false, driver: '1' };
const FACTS = {
  hostname: 'fuzz',
  os: 'linux',
  arch: 'x64',
  cpus: 1,
  memoryBytes: 1,
  gpus: [gpu],
  node: 'v20',
  agentVersion: '0',
};
const TELEMETRY = {
  at,
  load1: 1,
  memoryUsedBytes: 1,
  memoryAvailableBytes: 1,
  diskFreeBytes: 1,
  gpus: [{ index: 0, utilization: 1, memoryUsedBytes: 1, powerWatts: 1, temperatureC: 1, smClockMhz: 1 }],
  attemptId: null,
};

interface Held {
  attemptId: string;
  token: string;
}

/** Sends mutated and random frames and bodies to a live control plane with valid credentials, and watches what becomes of it. */
export async function runFuzz(options: {
  databaseUrl: string;
  frames: number;
  bodies: number;
  seed: number;
  say?: (line: string) => void;
}): Promise<FuzzReport> {
  const begun = performance.now();
  const report: FuzzReport = {
    seconds: 0,
    frames: 0,
    closes: {},
    answered: 0,
    bodies: 0,
    statuses: {},
    heapBytes: { before: 0, after: 0 },
    problems: [],
  };
  const world = await startWorld(options.databaseUrl, {
    boxes: [],
    nodeArgs: ['--expose-gc', '--max-old-space-size=384'],
  });
  try {
    const credentials = await Promise.all(
      Array.from({ length: BOXES }, async (_, i) => {
        const { secret: token } = await world.client.json<{ secret: string }>('POST', '/v1/enrolments', {
          name: 'fuzz',
        });
        const body = { token, name: `fuzz-${i}`, labels: ['fuzz'], facts: FACTS };
        return (await world.client.json<{ credential: string }>('POST', '/v1/enrolments/exchange', body)).credential;
      }),
    );
    const round = async (frames: number, bodies: number, seed: number) => {
      await Promise.all([
        ...credentials.map((credential, i) =>
          fuzzSocket(world, credential, Math.ceil(frames / BOXES), seeded(seed + i), report),
        ),
        fuzzRest(world, bodies, seeded(seed + 100), report),
      ]);
    };
    // The first part fills caches and compiles code; what is held after it must not grow with what follows.
    const warm = 0.3;
    await round(options.frames * warm, Math.ceil(options.bodies * warm), options.seed);
    report.heapBytes.before = await world.plane.heldBytes();
    for (let part = 0; part < 7; part++) {
      await round(
        (options.frames * (1 - warm)) / 7,
        Math.ceil((options.bodies * (1 - warm)) / 7),
        options.seed + 1000 * (part + 1),
      );
      options.say?.(`${report.frames} frames, ${report.bodies} bodies, ${report.problems.length} problems`);
    }
    report.heapBytes.after = await world.plane.heldBytes();
    if ((await world.client.send('GET', '/v1/runs')).status !== 200) report.problems.push('it no longer answers');
  } catch (error) {
    report.problems.push(`the fuzzer could not go on: ${String(error)}`);
  } finally {
    if (!world.plane.isRunning()) report.problems.push('the control plane ended');
    const said = new Set(
      world.plane
        .complaints()
        .split('\n')
        .filter((line) => line !== ''),
    );
    for (const line of [...said].slice(0, 20)) report.problems.push(`it said: ${line.slice(0, 600)}`);
    await world.stop().catch((error: unknown) => report.problems.push(String(error)));
  }
  report.seconds = Math.round((performance.now() - begun) / 100) / 10;
  return report;
}

async function fuzzSocket(
  world: World,
  credential: string,
  frames: number,
  random: Random,
  report: FuzzReport,
): Promise<void> {
  const held: Held[] = [];
  let barrier = 0;
  for (let sent = 0; sent < frames && report.problems.length < 30;) {
    const socket = new WebSocket(`${world.plane.url.replace('http', 'ws')}/v1/agent`, {
      headers: { authorization: `Bearer ${credential}` },
      perMessageDeflate: false,
    });
    const talk = new Talk(socket, held);
    if (!(await talk.opened())) {
      report.problems.push('a valid credential was not let in');
      return;
    }
    // Now and then something else comes first.
    const attempts = held.map((one) => ({ ...one, state: 'running' as const, logBytes: 0, metricCount: 0 }));
    if (random() < 0.95)
      talk.send(
        JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, facts: FACTS, attempts, dirty: [], freeSlots: 3 }),
      );
    for (let isOpen = true; isOpen && sent < frames;) {
      const batch: (string | Buffer)[] = [];
      for (let i = 1 + Math.floor(random() * 4); i > 0; i--) batch.push(frameOf(random, held));
      for (const frame of batch) talk.send(frame, Buffer.isBuffer(frame) && random() < 0.5);
      sent += batch.length;
      report.frames += batch.length;
      // Frames are handled in order: the answer to this one says that those before it were.
      const token = `barrier-${barrier++}`;
      talk.send(JSON.stringify({ type: 'accepted', attemptId: 'none', token }));
      const end = await talk.answerTo(token);
      if (end === 'answered') report.answered++;
      else {
        isOpen = false;
        report.closes[end] = (report.closes[end] ?? 0) + 1;
        if (!EXPECTED.has(Number(end)))
          report.problems.push(
            `closed with ${end} (${talk.reason}) after ${batch.map((frame) => frame.toString().slice(0, 700)).join('\n  ')}`,
          );
      }
    }
    socket.terminate();
  }
}

/** One connection: gathers the jobs that are offered, and tells whether a barrier was answered or the connection closed. */
class Talk {
  reason = '';
  #code: number | null = null;
  #token = '';
  #resolve: ((end: string) => void) | null = null;
  readonly #opened: Promise<boolean>;

  constructor(
    private readonly socket: WebSocket,
    held: Held[],
  ) {
    this.#opened = new Promise((resolve) => {
      socket.once('open', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      this.#code = code;
      this.reason = reason.toString();
      this.#settle(String(code));
    });
    socket.on('message', (data) => {
      const frame = JSON.parse((data as Buffer).toString('utf8')) as { type: string; token?: string; job?: JobSpec };
      if (frame.type === 'assign' && frame.job) {
        held.push({ attemptId: frame.job.attemptId, token: frame.job.token });
        if (held.length > 6) held.shift();
      }
      if (frame.token === this.#token) this.#settle('answered');
    });
  }
  opened(): Promise<boolean> {
    return this.#opened;
  }
  send(frame: string | Buffer, isBinary = false): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(frame, { binary: isBinary }, () => undefined);
  }
  answerTo(token: string): Promise<string> {
    if (this.#code !== null) return Promise.resolve(String(this.#code));
    this.#token = token;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle('silence'), SILENCE_MS);
      this.#resolve = (end) => {
        clearTimeout(timer);
        resolve(end);
      };
    });
  }
  #settle(end: string): void {
    this.#resolve?.(end);
    this.#resolve = null;
  }
}

function frameOf(random: Random, held: Held[]): string | Buffer {
  const about = held[Math.floor(random() * (held.length + 1))] ?? { attemptId: 'att_unknown', token: 'no-such-token' };
  const frames: AgentFrame[] = [
    {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      facts: FACTS,
      attempts: [{ ...about, state: 'running', logBytes: 1, metricCount: 1 }],
      dirty: [],
      freeSlots: 3,
    },
    { type: 'heartbeat', at, freeSlots: 1, dirty: [], telemetry: [TELEMETRY] },
    { type: 'accepted', ...about },
    { type: 'refused', ...about, reason: 'disk_full', detail: 'no room' },
    { type: 'phase', ...about, phase: 'train', at },
    { type: 'log', ...about, offset: 0, data: Buffer.from('four').toString('base64') },
    { type: 'metrics', ...about, seq: 0, points: [{ name: 'score', value: 1, step: 1, at }] },
    { type: 'exit', ...about, exit: EXIT },
    { type: 'terminal', ...about, data: 'AAAA' },
  ];
  const frame = frames[Math.floor(random() * frames.length)] as AgentFrame;
  const roll = random();
  if (roll < 0.15) return JSON.stringify(frame);
  if (roll < 0.6) return JSON.stringify(nudge(random, frame));
  if (roll < 0.93) return spoil(random, mutate(random, frame));
  if (roll < 0.97)
    return Buffer.from(Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256)));
  return `"${'x'.repeat(Math.floor(random() * 200_000))}"`;
}

async function fuzzRest(world: World, bodies: number, random: Random, report: FuzzReport): Promise<void> {
  const { client } = world;
  const spec = () =>
    toySpec({
      name: 'fuzz',
      iterations: 3,
      baselineReplicates: 3,
      parallel: 3,
      labels: ['fuzz'],
      seed: Math.floor(random() * 1e6),
    });
  let run = (await client.createRun(spec())).id;
  for (let i = 0; i < bodies && report.problems.length < 30; i++) {
    // The boxes of this suite need something to be fuzzed about.
    if (i % 25 === 0) {
      await client.send('POST', `/v1/runs/${run}/stop`);
      run = (await client.createRun(spec())).id;
    }
    const [method, path, body] = requestOf(random, run, spec);
    const sent =
      body === undefined
        ? undefined
        : random() < 0.4
          ? JSON.stringify(nudge(random, body as object))
          : spoil(random, mutate(random, body));
    const answer = await ask(client, method, path, sent);
    report.bodies++;
    report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1;
    if (answer.status >= 500 || answer.status === 0)
      report.problems.push(
        `${method} ${path} answered ${answer.status} ${answer.text.slice(0, 200)} to ${String(sent).slice(0, 700)}`,
      );
    if (answer.status === 201 && path === '/v1/runs') await client.send('POST', `/v1/runs/${idOf(answer.text)}/stop`);
  }
  await client.send('POST', `/v1/runs/${run}/stop`);
}

function requestOf(random: Random, run: string, spec: () => unknown): [string, string, unknown?] {
  const knobs = { menu: (spec() as { menu: unknown }).menu };
  const proposal = { knob: 'x', newValue: 0.5, reason: 'a try' };
  const nasty = encodeURIComponent(nastyText(random).slice(0, 60).toWellFormed());
  const requests: [string, string, unknown?][] = [
    ['POST', '/v1/runs', { spec: spec(), notes: 'none' }],
    ['POST', `/v1/runs/${run}/proposals`, proposal],
    ['POST', `/v1/runs/${run}/proposals`, { raw: JSON.stringify(proposal) }],
    ['POST', '/v1/policy/check', { ...knobs, proposal: { knob: 'x', new_value: 1, reason: 'r' } }],
    ['POST', '/v1/enrolments', { name: 'one', ttlSeconds: 60 }],
    ['POST', '/v1/enrolments/exchange', { token: 'nse_x', name: 'fuzz-9', labels: ['a'], facts: FACTS }],
    ['POST', '/v1/tokens', { name: 'one', scopes: ['read'] }],
    ['POST', `/v1/runs/${nasty}/pause`, {}],
    ['GET', `/v1/runs?cursor=${nasty}&limit=${nasty}`],
    ['GET', `/v1/runs/${run}/iterations?cursor=${nasty}`],
    ['GET', `/v1/runs/${nasty}`],
    ['GET', `/v1/jobs?run=${nasty}&cursor=${nasty}`],
    ['GET', `/v1/jobs/${nasty}/log?attempt=${nasty}`],
    ['GET', `/v1/boxes/${nasty}/telemetry?limit=${nasty}`],
    ['GET', `/v1/projects?cursor=${nasty}`],
    ['GET', `/v1/runs/${run}/iterations/${nasty}`],
    ['GET', `/v1/runs/${run}/report?format=${nasty}`],
  ];
  return requests[Math.floor(random() * requests.length)] as [string, string, unknown?];
}

async function ask(
  client: Client,
  method: string,
  path: string,
  body: string | undefined,
): Promise<{ status: number; text: string }> {
  try {
    const answer = await client.send(method, path, body);
    return { status: answer.status, text: answer.body.toString() };
  } catch (error) {
    return { status: 0, text: String((error as Error).cause ?? error) };
  }
}

function idOf(text: string): string {
  return (JSON.parse(text) as { id: string }).id;
}
