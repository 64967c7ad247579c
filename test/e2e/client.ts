import { randomUUID } from 'node:crypto';

export interface Answer {
  status: number;
  headers: Headers;
  body: Buffer;
}
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
export interface RunSeen {
  id: string;
  state: string;
  endReason: string | null;
  endDetail: string | null;
  endedAt: string | null;
  live: { counts?: Record<string, number>; [figure: string]: unknown } | null;
}
export interface IterationSeen {
  id: string;
  number: number;
  state: string;
  proposer: string | null;
  proposal: { knob: string; newValue: unknown } | null;
  metric: number | null;
  decision: Record<string, unknown> | null;
  failure: string | null;
  failureDetail: string | null;
}
export interface JobSeen {
  id: string;
  iterationId: string | null;
  role: string;
  state: string;
  attempt: number;
  reason: string | null;
  detail: string | null;
  metric: number | null;
}
export interface AttemptSeen {
  id: string;
  number: number;
  state: string;
  logBytes: number;
  metricCount: number;
  exit: (Record<string, unknown> & { killedDescendants: number; leftPids: number[] }) | null;
}

const LOG_PART = 4 * 1024 * 1024;

/** The REST API over a real socket. `base` is asked anew for each request, since a restarted control plane has moved. */
export class Client {
  constructor(
    private readonly base: () => string,
    private readonly token: string,
    /** Try again while the control plane or its database is away: for suites that kill them. */
    private readonly isPatient = false,
    private readonly patienceMs = 90_000,
  ) {}

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.token}` };
  }

  /** One request; when patient the same one again, under one idempotency key, until it was answered. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const idempotencyKey: Record<string, string> = method === 'POST' ? { 'idempotency-key': randomUUID() } : {};
    const until = Date.now() + this.patienceMs;
    for (let pauseMs = 20; ; pauseMs = Math.min(500, pauseMs * 2)) {
      const isLast = !this.isPatient || Date.now() > until;
      try {
        const response = await fetch(this.base() + path, {
          method,
          headers: {
            ...this.headers,
            ...idempotencyKey,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        });
        const answer = {
          status: response.status,
          headers: response.headers,
          body: Buffer.from(await response.arrayBuffer()),
        };
        if (isLast || (answer.status < 500 && answer.status !== 409)) return answer;
      } catch (error) {
        if (isLast) throw new Error(`${method} ${path} was not answered`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** @throws when the answer is no success. */
  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString().slice(0, 600)}`);
    return JSON.parse(answer.body.toString()) as T;
  }

  createRun(spec: unknown): Promise<RunSeen> {
    return this.json('POST', '/v1/runs', { spec });
  }
  run(id: string): Promise<RunSeen> {
    return this.json('GET', `/v1/runs/${id}`);
  }
  iterations(run: string): Promise<IterationSeen[]> {
    return this.#all(`/v1/runs/${run}/iterations?limit=100`);
  }
  /** The jobs of a run, oldest first. */
  async jobs(run: string): Promise<JobSeen[]> {
    return (await this.#all<JobSeen>(`/v1/jobs?run=${run}&limit=100`)).reverse();
  }
  async attempts(job: string): Promise<AttemptSeen[]> {
    return (await this.json<{ attempts: AttemptSeen[] }>('GET', `/v1/jobs/${job}`)).attempts;
  }
  /** All points of one name that the newest attempt of a job reported, in order. */
  async points(job: string, name: string): Promise<{ seq: number; value: number; step: number | null }[]> {
    const points: { seq: number; value: number; step: number | null }[] = [];
    for (let after = 0; ;) {
      const page = await this.json<{ items: typeof points }>(
        'GET',
        `/v1/jobs/${job}/metrics?name=${name}&after=${after}&limit=1000`,
      );
      points.push(...page.items);
      const last = page.items.at(-1);
      if (!last) return points;
      after = last.seq + 1;
    }
  }
  /** The bytes of a job's log, read as a client with a small window would. */
  async log(job: string, part = LOG_PART): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let from = 0; ;) {
      const answer = await this.send('GET', `/v1/jobs/${job}/log`, undefined, {
        range: `bytes=${from}-${from + part - 1}`,
      });
      if (answer.status === 416) return Buffer.concat(parts);
      if (answer.status !== 206)
        throw new Error(`the log of ${job}: ${answer.status} ${answer.body.toString().slice(0, 300)}`);
      parts.push(answer.body);
      from += answer.body.length;
    }
  }
  /** Holds until the job has printed something. */
  async firstByte(job: string): Promise<void> {
    for (;;) {
      const answer = await this.send('GET', `/v1/jobs/${job}/log?wait=20`);
      if (answer.body.length > 0 && answer.status < 300) return;
      if (answer.headers.get('x-log-complete') === 'true') throw new Error(`job ${job} ended without a byte`);
    }
  }

  async #all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | null = null; ;) {
      const page: Page<T> = await this.json('GET', cursor === null ? path : `${path}&cursor=${cursor}`);
      items.push(...page.items);
      if (page.nextCursor === null) return items;
      cursor = page.nextCursor;
    }
  }
}
