import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrol } from '@nightshift/gpu-agent';
import { startChild, type Child } from './child.js';
import { Client } from './client.js';
import { EventLog } from './event-log.js';
import { Proxy } from './proxy.js';

/** A control plane in a process of its own. After `start` it may listen elsewhere: ask for the address each time. */
export interface Plane {
  readonly url: string;
  readonly pid: number;
  isUp: boolean;
  /** Gives the administrator's token on the database's very first start. */
  start(): Promise<string | null>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  isRunning(): boolean;
  /** Bytes that it holds after a collection; it must have been started with --expose-gc. */
  heldBytes(): Promise<number>;
  /** What every life of it wrote to stderr. */
  complaints(): string;
}
/** An agent in a process of its own, behind a network that can be spoiled. */
export interface Box {
  readonly name: string;
  readonly home: string;
  readonly boxId: string;
  readonly network: Proxy;
  readonly pid: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Directories of jobs that it has not been released from. */
  jobDirectories(): string[];
  complaints(): string;
}
export interface World {
  id: string;
  dir: string;
  planes: Plane[];
  boxes: Box[];
  client: Client;
  events: EventLog;
  plane: Plane;
  box: Box;
  addPlane(): Promise<Plane>;
  addBox(options?: { plane?: Plane; slots?: number; labels?: string[] }): Promise<Box>;
  /** Variables for a job's `env`, so that what it leaves behind is found. */
  jobEnv(more?: Record<string, string>): Record<string, string>;
  /** Processes of this world's jobs, or of one run's, that live now (Linux; empty elsewhere). */
  jobProcesses(runId?: string): number[];
  /** Ends everything and says what had to be killed; the test fails when that is not empty. */
  stop(): Promise<void>;
}

const WORLD = 'NIGHTSHIFT_TEST_WORLD';
const JOB_WORLD = 'TOY_WORLD';

/** A control plane and boxes as real processes on one database. */
export async function startWorld(
  databaseUrl: string,
  options: {
    planes?: number;
    boxes?: { slots?: number; labels?: string[] }[];
    isPatient?: boolean;
    nodeArgs?: string[];
    env?: Record<string, string>;
  } = {},
): Promise<World> {
  const id = randomUUID();
  const dir = mkdtempSync(join(tmpdir(), 'nightshift-world-'));
  const planes: Plane[] = [];
  const boxes: Box[] = [];
  let token = '';
  let events: EventLog | undefined;

  const addPlane = async (): Promise<Plane> => {
    const plane = new PlaneProcess(
      { DATABASE_URL: databaseUrl, DATA_DIR: join(dir, 'data'), [WORLD]: id, ...options.env },
      options.nodeArgs ?? [],
    );
    planes.push(plane);
    const first = await plane.start();
    if (first !== null) token = first;
    return plane;
  };
  const anyUrl = () => (planes.find((plane) => plane.isUp) ?? planes[0])?.url ?? 'http://127.0.0.1:9';

  const world: World = {
    id,
    dir,
    planes,
    boxes,
    get client() {
      return client;
    },
    get events() {
      if (!events) throw new Error('the world has not started');
      return events;
    },
    get plane() {
      return planes[0] as Plane;
    },
    get box() {
      return boxes[0] as Box;
    },
    addPlane,
    async addBox({ plane = planes[0] as Plane, slots = 1, labels = [] } = {}) {
      const network = await Proxy.start(() => {
        const url = new URL(plane.url);
        return { host: url.hostname, port: Number(url.port) };
      });
      const name = `box-${boxes.length + 1}`;
      const home = join(dir, name);
      const { secret: once } = await client.json<{ secret: string }>('POST', '/v1/enrolments', { name });
      const { boxId } = await enrol({ server: network.url, token: once, name, home, labels });
      const box = new BoxProcess({ name, home, boxId, network }, { [WORLD]: id, NIGHTSHIFT_TEST_SLOTS: String(slots) });
      boxes.push(box);
      await box.start();
      return box;
    },
    jobEnv: (more = {}) => ({ [JOB_WORLD]: id, ...more }),
    jobProcesses(runId) {
      const mine = (environment: string) => environment.includes(`\0${JOB_WORLD}=${id}\0`);
      if (runId === undefined) return findProcesses(mine);
      const attempts = world.events.of(runId, 'job.assigned').map((event) => String(event.payload['attemptId']));
      return findProcesses((environment) => {
        const attempt = /\0NIGHTSHIFT_JOB=([^\0]*)\0/.exec(environment)?.[1];
        return mine(environment) && attempt !== undefined && attempts.includes(attempt);
      });
    },
    async stop() {
      await events?.stop();
      await Promise.all(boxes.map((box) => box.stop()));
      await Promise.all(planes.map((plane) => plane.stop()));
      await Promise.all(boxes.map((box) => box.network.stop()));
      const mine = (environment: string) => environment.includes(`=${id}\0`);
      // An idle runner ends by itself when its agent has gone: it is given the time that a busy machine needs.
      let left = findProcesses(mine);
      for (let i = 0; i < 700 && left.length > 0; i++) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        left = findProcesses(mine);
      }
      const names = left.map((pid) => `${pid} ${commandOf(pid)}`);
      for (const pid of left) killQuietly(pid);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
      if (names.length > 0) throw new Error(`left running: ${names.join('; ')}`);
    },
  };
  let client = new Client(anyUrl, '', options.isPatient);
  try {
    for (let i = 0; i < (options.planes ?? 1); i++) await addPlane();
    client = new Client(anyUrl, token, options.isPatient);
    events = new EventLog(anyUrl, client.headers);
    for (const [i, box] of (options.boxes ?? [{}]).entries())
      await world.addBox({ plane: planes[i % planes.length] as Plane, ...box });
    return world;
  } catch (error) {
    await world.stop().catch(() => undefined);
    throw error;
  }
}

class PlaneProcess implements Plane {
  url = 'http://127.0.0.1:9';
  isUp = false;
  #child: Child | undefined;
  #complaints = '';

  constructor(
    private readonly env: Record<string, string>,
    private readonly nodeArgs: string[],
  ) {}

  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  async start(): Promise<string | null> {
    const child = startChild('control-plane-main', [], this.env, this.nodeArgs);
    this.#child = child;
    const { url, firstToken } = (await child.ready) as { url: string; firstToken: string | null };
    this.url = url;
    this.isUp = true;
    return firstToken;
  }
  isRunning(): boolean {
    return this.#child?.isRunning() ?? false;
  }
  async heldBytes(): Promise<number> {
    const child = this.#child;
    if (!child) throw new Error('it does not run');
    const { heapBytes } = (await child.nextLine(() => process.kill(child.pid, 'SIGUSR2'))) as { heapBytes: number };
    return heapBytes;
  }
  async kill(): Promise<void> {
    this.isUp = false;
    await this.#child?.kill();
    this.#keep();
  }
  async stop(): Promise<void> {
    this.isUp = false;
    await this.#child?.stop();
    this.#keep();
  }
  complaints(): string {
    return this.#complaints + (this.#child?.complaints() ?? '');
  }
  #keep(): void {
    this.#complaints += this.#child?.complaints() ?? '';
    this.#child = undefined;
  }
}

class BoxProcess implements Box {
  readonly name: string;
  readonly home: string;
  readonly boxId: string;
  readonly network: Proxy;
  #child: Child | undefined;
  #complaints = '';

  constructor(
    about: Pick<Box, 'name' | 'home' | 'boxId' | 'network'>,
    private readonly env: Record<string, string>,
  ) {
    ({ name: this.name, home: this.home, boxId: this.boxId, network: this.network } = about);
  }
  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  async start(): Promise<void> {
    this.#child = startChild('agent-main', [], { ...this.env, NIGHTSHIFT_TEST_HOME: this.home });
    await this.#child.ready;
  }
  async kill(): Promise<void> {
    await this.#child?.kill();
    this.#keep();
  }
  async stop(): Promise<void> {
    await this.#child?.stop();
    this.#keep();
  }
  jobDirectories(): string[] {
    const jobs = join(this.home, 'jobs');
    return existsSync(jobs) ? readdirSync(jobs) : [];
  }
  complaints(): string {
    return this.#complaints + (this.#child?.complaints() ?? '');
  }
  #keep(): void {
    this.#complaints += this.#child?.complaints() ?? '';
    this.#child = undefined;
  }
}

/** A gate that holds a toy job: closed before the job comes, opened by the test. */
export function gate(dir: string): { env: { TOY_GATE: string }; close(): void; open(): void } {
  const hold = join(dir, 'hold');
  return {
    env: { TOY_GATE: dir },
    close: () => writeFileSync(hold, ''),
    open: () => rmSync(hold, { force: true }),
  };
}

function findProcesses(isMine: (environment: string) => boolean): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      if (/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))) return [];
      return isMine(`\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`) ? [pid] : [];
    } catch {
      return []; // it has just gone
    }
  });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 200);
  } catch {
    return 'gone';
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just gone
  }
}
