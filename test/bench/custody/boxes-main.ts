import { WebSocket } from 'ws';
import type { ControlFrame, FrameOf, JobSpec } from '@nightshift/protocol';

// Many boxes in one process, each with a socket of its own that speaks the real protocol. Told on stdin whom to be, it tells on stdout,
// a JSON line each: {connected}, then on every assignment {jobId, at}, and {ended} for every job that was released.
interface Orders {
  url: string;
  credentials: string[];
  jobMs: number;
  heartbeatMs: number;
}
let text = '';
for await (const chunk of process.stdin) {
  text += String(chunk);
  if (text.includes('\n')) break;
}
const { url, credentials, jobMs, heartbeatMs } = JSON.parse(text) as Orders;
const tell = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const now = () => new Date().toISOString();
const gpu = { index: 0, name: 'NVIDIA GB10', memoryBytes: 2 ** 37, isUnified: true, driver: '580.95.05' };
const LINES = Buffer.from('step 100  loss 3.1415  tokens/s 12345\n'.repeat(20)).toString('base64');

class Box {
  #socket: WebSocket;
  #job: JobSpec | null = null;
  #isWaiting = { log: false, metrics: false };
  #finish = () => {};

  constructor(
    private readonly index: number,
    credential: string,
    private readonly onReady: () => void,
  ) {
    this.#socket = new WebSocket(`${url.replace('http', 'ws')}/v1/agent`, {
      headers: { authorization: `Bearer ${credential}` },
      perMessageDeflate: false,
    });
    this.#socket.on('open', () => this.#hello());
    this.#socket.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString()) as ControlFrame));
    this.#socket.on('close', (code) => process.stderr.write(`box ${index} was closed with ${code}\n`));
    this.#socket.on('error', (error) => process.stderr.write(`box ${index}: ${error.message}\n`));
  }

  #send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }
  #hello(): void {
    const facts: FrameOf<'hello'>['facts'] = {
      hostname: `bench-${this.index}`,
      os: 'linux 6.11',
      arch: 'arm64',
      cpus: 20,
      memoryBytes: 2 ** 37,
      gpus: [gpu],
      node: 'v22',
      agentVersion: 'bench',
    };
    this.#send({ type: 'hello', protocol: 1, facts, attempts: [], dirty: [], freeSlots: 1 });
  }
  #beat(): void {
    const sample = {
      at: now(),
      load1: 1.5,
      memoryUsedBytes: 2 ** 36,
      memoryAvailableBytes: 2 ** 36,
      diskFreeBytes: 2 ** 40,
      gpus: [
        {
          index: 0,
          utilization: 96,
          memoryUsedBytes: null,
          powerWatts: 53.9,
          temperatureC: 71,
          smClockMhz: 2411,
        },
      ],
      attemptId: this.#job?.attemptId ?? null,
    };
    this.#send({ type: 'heartbeat', at: now(), freeSlots: this.#job ? 0 : 1, dirty: [], telemetry: [sample] });
  }
  #take(frame: ControlFrame): void {
    if (frame.type === 'welcome') {
      this.onReady();
      // Boxes were not all switched on in one instant.
      setTimeout(() => setInterval(() => this.#beat(), heartbeatMs), Math.random() * heartbeatMs);
    } else if (frame.type === 'assign') {
      tell({ jobId: frame.job.jobId, at: Date.now() });
      this.#run(frame.job);
    } else if (frame.type === 'ack' && frame.attemptId === this.#job?.attemptId) {
      if (frame.logOffset) this.#isWaiting.log = false;
      if (frame.metricSeq) this.#isWaiting.metrics = false;
      this.#finish();
    } else if (frame.type === 'release' && frame.attemptId === this.#job?.attemptId) {
      this.#job = null;
      tell({ ended: frame.attemptId });
    } else if (frame.type === 'stale' || frame.type === 'error')
      process.stderr.write(`box ${this.index}: ${JSON.stringify(frame)}\n`);
  }
  #run(job: JobSpec): void {
    const about = { attemptId: job.attemptId, token: job.token };
    this.#job = job;
    const startedAt = now();
    this.#send({ type: 'accepted', ...about });
    this.#send({ type: 'phase', ...about, phase: 'train', at: startedAt });
    setTimeout(
      () => {
        const logBytes = Buffer.from(LINES, 'base64').length;
        this.#isWaiting = { log: true, metrics: true };
        this.#send({ type: 'log', ...about, offset: 0, data: LINES });
        this.#send({ type: 'metrics', ...about, seq: 0, points: [{ name: 'loss', value: Math.random() }] });
        // Like a real agent: the end is told when everything before it is durable.
        this.#finish = () => {
          if (this.#isWaiting.log || this.#isWaiting.metrics) return;
          this.#finish = () => {};
          this.#send({ type: 'exit', ...about, exit: exitOf(startedAt, logBytes) });
        };
      },
      jobMs * (0.5 + Math.random()),
    );
  }
}

function exitOf(startedAt: string, logBytes: number): FrameOf<'exit'>['exit'] {
  return {
    reason: 'completed',
    detail: '',
    exitCode: 0,
    signal: null,
    metric: 1 + Math.random() / 100,
    phases: [],
    startedAt,
    endedAt: now(),
    logBytes,
    logBytesDropped: 0,
    metricCount: 1,
    leftPids: [],
    killedDescendants: 0,
    energyWh: 1,
    peakMemoryBytes: 2 ** 30,
    fingerprint: { source: 'bench', gpu: gpu.name },
  };
}

const begun = performance.now();
const PARALLEL = 32;
let next = 0;
await Promise.all(
  Array.from({ length: PARALLEL }, async () => {
    for (let index = next++; index < credentials.length; index = next++)
      await new Promise<void>((resolve) => new Box(index, credentials[index] as string, resolve));
  }),
);
tell({ connected: credentials.length, ms: performance.now() - begun });
