import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunnerTask } from '../runner/options.js';

/** A runner is replaced after so many jobs: what a long life may gather in a process ends with it. */
const JOBS_PER_RUNNER = 500;

/** So many runners ended in a row without finishing a job; the next is started after a pause. */
const DEATHS = 3;
const PAUSE_MS = 30_000;

/** The built runner: beside this file in `dist`, or in `dist` when this file is run from source. */
export function runnerEntry(): string {
  const beside = fileURLToPath(new URL('../runner/main.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../dist/runner/main.js', import.meta.url));
}

interface Runner {
  child: ChildProcess;
  task: RunnerTask | null;
  jobs: number;
}

/**
 * Keeps a runner process warm, so that a job starts in milliseconds, and gives the same process its next job. A runner
 * has a session of its own and no pipe but its input: it outlives this process when it has a job, and ends when it has none.
 */
export class RunnerPool {
  #runners = new Set<Runner>();
  #isClosed = false;
  #deaths = 0;
  #lastDeathAt = 0;

  constructor(
    private readonly logPath: string,
    private readonly env: NodeJS.ProcessEnv,
    /** A runner process ended; `dir` is the job that it had been given and had not finished as far as the pool knows. */
    private readonly onEnd: (dir: string | null) => void,
  ) {}

  /** Pids of the runners that this pool started. */
  get pids(): number[] {
    return [...this.#runners].flatMap(({ child }) => child.pid ?? []);
  }

  /** Starts an idle runner unless there is one, or runners keep dying (no terminal module, say): then only now and then. */
  warm(): void {
    if (this.#deaths >= DEATHS && performance.now() - this.#lastDeathAt < PAUSE_MS) return;
    if (!this.#isClosed && ![...this.#runners].some((runner) => runner.task === null)) this.#spawn();
  }

  start(task: RunnerTask): void {
    const runner = [...this.#runners].find((candidate) => candidate.task === null) ?? this.#spawn();
    runner.task = task;
    runner.jobs++;
    runner.child.stdin?.write(`${JSON.stringify(task)}\n`);
  }

  /** The job of this directory has its exit record: its runner is free again. */
  finished(dir: string): void {
    for (const runner of this.#runners) {
      if (runner.task?.dir !== dir) continue;
      runner.task = null;
      this.#deaths = 0;
      if (runner.jobs >= JOBS_PER_RUNNER) {
        this.#runners.delete(runner);
        runner.child.stdin?.end();
        this.warm();
      }
    }
  }

  /** Lets go of every runner: the idle ones end, the busy ones finish their job. */
  close(): void {
    this.#isClosed = true;
    for (const { child } of this.#runners) child.stdin?.end();
    this.#runners.clear();
  }

  #spawn(): Runner {
    const log = openSync(this.logPath, 'a', 0o600);
    const child = spawn(process.execPath, ['--max-semi-space-size=2', runnerEntry()], {
      detached: true,
      stdio: ['pipe', log, log],
      env: this.env,
      cwd: '/',
    });
    closeSync(log);
    const runner: Runner = { child, task: null, jobs: 0 };
    this.#runners.add(runner);
    child.stdin?.on('error', () => {}); // it ended: the exit below says so
    const ended = () => {
      this.#deaths++;
      this.#lastDeathAt = performance.now();
      if (this.#runners.delete(runner) && !this.#isClosed) this.onEnd(runner.task?.dir ?? null);
    };
    child.on('error', ended);
    child.on('exit', ended);
    child.unref();
    return runner;
  }
}
