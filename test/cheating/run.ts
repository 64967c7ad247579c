import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { ExitRecord, JobSpec } from '@nightshift/protocol';
import { FakeControlPlane } from '@nightshift/gpu-agent/connection/testing/fake-control-plane';
import { findBwrap } from '@nightshift/gpu-agent/sandbox/find-bwrap';
import { enrolledHome, startBox } from '@nightshift/gpu-agent/testing/box';
import { jobSpec } from '@nightshift/gpu-agent/testing/job-spec';
import { HONEST_LOSS, HONEST_PYTHON, type Cheat } from './case.js';
import { cheats } from './cases/index.js';
import { COMMAND, makeProject, SEALED, TRAIN } from './project.js';
import { temporaryFolder } from '@nightshift/gpu-agent/testing/temporary-folder';

export interface Attempted {
  name: string;
  mode: 'sandbox' | 'none';
  /** Caught: no number. Harmless: the number of what was really trained. Not stopped: the patch's number, as known and told. */
  outcome: 'caught' | 'harmless' | 'needs sandbox' | 'not stopped' | 'SUCCEEDED';
  stoppedBy: string;
  /** What the ledger says of it. */
  ledger: string;
}
const JOB_MS = 60_000;
/** What a patch says that nobody stops. */
const LIED_LOSS = 0;
/** What the neighbour of a cheat measures. */
const NEIGHBOUR_LOSS = 0.5;

/** Why there is no sandbox on this machine; null when there is one. */
export function noSandbox(): string | null {
  const tool = findBwrap(process.env);
  return 'bwrap' in tool ? null : `${tool.problem}; fix: ${tool.fix}`;
}

/** Runs every cheat as a real job: agent, runner, evaluator. Nothing is simulated but the control plane's database. */
export async function attemptAll(
  mode: 'sandbox' | 'none',
  onEach: (done: Attempted) => void = () => {},
): Promise<Attempted[]> {
  const plane = await FakeControlPlane.start();
  const user = temporaryFolder('user');
  mkdirSync(join(user, '.ssh'));
  writeFileSync(join(user, '.ssh', 'id_test'), 'a private key');
  writeFileSync(join(user, '.netrc'), 'machine example.org');
  const heldOut = temporaryFolder('held-out');
  writeFileSync(join(heldOut, 'val.json'), '{"target": 0.8}');
  let visits = 0;
  const outside = createServer((_request, response) => {
    visits++;
    response.end('0.8');
  });
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  const home = enrolledHome(plane);
  writeFileSync(join(home, 'policy.json'), JSON.stringify({ sandbox: { hide: [heldOut] } }));
  const agent = await startBox(plane, {
    home,
    slots: 2,
    hasSandbox: mode === 'sandbox',
    memoryFloorBytes: null,
    env: { ...process.env, HOME: user, PATH: `${pythonFolder()}:${process.env['PATH'] ?? ''}` },
  });
  await plane.online();
  const env = {
    HELD_OUT: join(heldOut, 'val.json'),
    OUTSIDE: `http://127.0.0.1:${(outside.address() as AddressInfo).port}/`,
  };
  const done: Attempted[] = [];
  try {
    for (const cheat of cheats) {
      const result = await attempt(cheat, { mode, plane, home, user, env, visits: () => visits });
      done.push(result);
      onEach(result);
    }
  } finally {
    await agent.stop();
    await plane.stop();
    outside.close();
  }
  return done;
}

async function attempt(
  cheat: Cheat,
  box: {
    mode: 'sandbox' | 'none';
    plane: FakeControlPlane;
    home: string;
    user: string;
    env: Record<string, string>;
    visits: () => number;
  },
): Promise<Attempted> {
  const { mode, plane } = box;
  const { name } = cheat;
  if (mode === 'none' && cheat.needsSandbox !== undefined)
    return {
      name,
      mode,
      outcome: 'needs sandbox',
      stoppedBy: `not stopped: ${cheat.needsSandbox}`,
      ledger: 'sandbox: none',
    };
  const source = makeProject(cheat);
  const spec = (train: string): JobSpec => {
    const { language } = cheat;
    const path = TRAIN[language];
    const over = cheat.spec ?? {};
    return jobSpec({
      source: { kind: 'path', path: source },
      train: `${COMMAND[language]} ${path}`,
      evaluate: `${COMMAND[language]} ${SEALED[language][0]}`,
      edit: {
        files: [path],
        sealed: SEALED[language],
        artifacts: cheat.artifacts === undefined ? ['model.json'] : cheat.artifacts,
      },
      overlay: [{ path, content: train }],
      limitMs: JOB_MS,
      ...over,
      runId: source,
      env: { ...box.env, ...over.env },
    });
  };
  const run = async (job: JobSpec): Promise<ExitRecord> => {
    plane.assign(job);
    return plane.exitOf(job.attemptId, JOB_MS + 20_000);
  };
  if (cheat.later !== undefined) await run(spec(HONEST_PYTHON));
  if (cheat.earlier !== undefined) await run(spec(cheat.earlier));
  const neighbour = cheat.hasNeighbour
    ? jobSpec({
        source: { kind: 'path', path: source },
        train: `node -e "setTimeout(() => console.log('val_loss: ${NEIGHBOUR_LOSS}'), 2500)"`,
      })
    : null;
  if (neighbour) {
    plane.assign(neighbour);
    await plane.until(
      () => plane.attempts.get(neighbour.attemptId)?.phases.includes('train') ?? false,
      'the neighbour',
    );
  }
  const job = spec(cheat.train);
  const exit = await run(job);
  const problems: string[] = [];
  if (neighbour) {
    const other = await plane.exitOf(neighbour.attemptId, JOB_MS);
    if (other.metric !== NEIGHBOUR_LOSS) problems.push(`its neighbour ended with ${other.metric} (${other.reason})`);
  }
  const log = plane.logOf(job.attemptId).toString();
  const problem = cheat.after?.({ source, home: box.home, log, exit, visits: box.visits() });
  if (problem) problems.push(problem);
  if (cheat.later !== undefined) {
    const after = await run(spec(HONEST_PYTHON));
    const isRight = after.metric === (mode === 'sandbox' || cheat.later === 'harmless' ? HONEST_LOSS : null);
    if (!isRight) problems.push(`an honest job after it came to ${after.metric} (${after.reason})`);
  }
  cheat.undo?.(box.user);
  const isHonest = exit.reason === 'completed' && exit.metric === HONEST_LOSS;
  const isCaught = exit.reason !== 'completed' && exit.metric === null;
  const wanted = cheat.ends?.[mode] ?? 'harmless';
  if (cheat.notStopped !== undefined && problems.length === 0 && exit.metric === LIED_LOSS)
    return {
      name,
      mode,
      outcome: 'not stopped',
      stoppedBy: cheat.notStopped,
      ledger: `${exit.reason}: ${exit.detail}`,
    };
  if (wanted === 'caught' ? !isCaught : !isHonest)
    problems.push(`it was to be ${wanted}; its metric is ${exit.metric} (${exit.reason}: ${exit.detail})`);
  return {
    name,
    mode,
    outcome: problems.length > 0 ? 'SUCCEEDED' : isCaught ? 'caught' : 'harmless',
    stoppedBy: problems.length > 0 ? problems.join('; ') : cheat.stoppedBy[mode],
    ledger: `${exit.reason}: ${exit.detail.replace(/\s*\n\s*/g, ' | ')}`,
  };
}

/** The interpreter itself, not a launcher that looks into a home directory. */
function pythonFolder(): string {
  const path = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
  return dirname(realpathSync(path));
}
