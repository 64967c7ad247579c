import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { readPolicy } from './policy.js';
import { findBwrap } from './sandbox/find-bwrap.js';
import { openTerminal } from './runner/terminal.js';
import { availableMemoryBytes, diskFreeBytes } from './telemetry/host.js';
import { readGpus } from './telemetry/nvidia-smi.js';
import { runGit } from './workspace/run-git.js';

export interface Check {
  id: string;
  status: 'ok' | 'warn' | 'fail';
  message: string;
  /** The command or the step that puts it right; null when nothing is wrong. */
  fix: string | null;
}
export interface DoctorReport {
  checks: Check[];
  /** No check failed; warnings do not count. */
  isHealthy: boolean;
}

/** Longer than this the control plane is as good as unreachable for a person who waits. */
const NETWORK_MS = 5000;
/** A clock that is off by more makes timestamps of two boxes hard to compare, and TLS certificates fail later on. */
const SKEW_MS = 30_000;

/** Checks everything that a new owner of a box trips on. Never throws; returns data, printing is the caller's. */
export async function doctor(options: { home: string; server?: string | null }): Promise<DoctorReport> {
  const { home, server } = options;
  const checks = [
    checkNode(),
    await checkTerminal(home),
    checkHome(home),
    checkDisk(home),
    checkMemory(),
    await checkGit(),
    await checkGpu(),
    checkOwnerPolicy(home),
    checkSandbox(home),
    ...(server ? await checkServer(server) : []),
  ];
  return { checks, isHealthy: checks.every((check) => check.status !== 'fail') };
}

function ok(id: string, message: string): Check {
  return { id, status: 'ok', message, fix: null };
}

function checkNode(): Check {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    return {
      id: 'node',
      status: 'fail',
      message: `Node ${process.version} is too old`,
      fix: 'install Node 24: https://nodejs.org/en/download',
    };
  if (major < 22)
    return {
      id: 'node',
      status: 'warn',
      message: `Node ${process.version} works; it is no longer maintained`,
      fix: 'install Node 24: https://nodejs.org/en/download',
    };
  return ok('node', `Node ${process.version}`);
}

async function checkTerminal(home: string): Promise<Check> {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    let output = '';
    const terminal = openTerminal({
      command: 'echo terminal works',
      cwd: home,
      env: { PATH: '/usr/bin:/bin', TERM: 'dumb' },
      onData: (bytes) => (output += bytes.toString('latin1')),
    });
    await terminal.ended;
    await terminal.drain();
    if (output !== 'terminal works\n') throw new Error(`a terminal gave ${JSON.stringify(output.slice(0, 100))}`);
    return ok('terminal', 'jobs can be given a terminal');
  } catch (error) {
    return {
      id: 'terminal',
      status: 'fail',
      message: `jobs cannot be given a terminal: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      fix: 'sudo apt-get install -y python3 make g++ && npm rebuild node-pty --foreground-scripts',
    };
  }
}

function checkHome(home: string): Check {
  try {
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
    const credential = statSync(join(home, 'agent.json'), { throwIfNoEntry: false });
    if (credential && (credential.mode & 0o077) !== 0)
      return {
        id: 'home',
        status: 'fail',
        message: `others can read ${join(home, 'agent.json')}`,
        fix: `chmod 600 ${join(home, 'agent.json')}`,
      };
    if (!credential)
      return {
        id: 'home',
        status: 'warn',
        message: `this box is not enrolled yet (${home})`,
        fix: 'nightshift agent enrol --server URL --token TOKEN',
      };
    return ok('home', `${home} is writable and enrolled`);
  } catch {
    return {
      id: 'home',
      status: 'fail',
      message: `${home} cannot be written`,
      fix: `mkdir -p ${home} && chown -R "$USER" ${home}`,
    };
  }
}

function checkDisk(home: string): Check {
  const free = diskFreeBytes(home);
  if (free === null)
    return { id: 'disk', status: 'warn', message: 'the system does not say how much disk is free', fix: null };
  const gib = (free / 1024 ** 3).toFixed(1);
  if (free < 268_435_456)
    return {
      id: 'disk',
      status: 'fail',
      message: `only ${gib} GiB are free: jobs are refused`,
      fix: `du -sh ${home}/* | sort -h`,
    };
  if (free < 5 * 1024 ** 3)
    return { id: 'disk', status: 'warn', message: `only ${gib} GiB are free`, fix: `du -sh ${home}/* | sort -h` };
  return ok('disk', `${gib} GiB are free`);
}

function checkMemory(): Check {
  const available = availableMemoryBytes();
  if (available === null)
    return ok(
      'memory',
      `${(totalmem() / 1024 ** 3).toFixed(0)} GiB; what is available is not known here, so there is no memory guard`,
    );
  const gib = (available / 1024 ** 3).toFixed(1);
  if (available < 1024 ** 3)
    return {
      id: 'memory',
      status: 'warn',
      message: `only ${gib} GiB of memory are available`,
      fix: 'ps -eo pid,rss,comm --sort=-rss | head',
    };
  return ok('memory', `${gib} of ${(totalmem() / 1024 ** 3).toFixed(0)} GiB are available`);
}

async function checkGit(): Promise<Check> {
  const { code, stdout } = await runGit(['--version'], { timeoutMs: 5000 });
  if (code === 0) return ok('git', stdout.trim());
  return {
    id: 'git',
    status: 'warn',
    message: 'git is missing: projects with a git source cannot run, and .gitignore is not read',
    fix: 'sudo apt-get install -y git',
  };
}

async function checkGpu(): Promise<Check> {
  const reading = await readGpus();
  switch (reading.status) {
    case 'ok':
      return reading.gpus.length > 0
        ? ok('gpu', reading.gpus.map((gpu) => `${gpu.name} (driver ${gpu.driver ?? 'unknown'})`).join(', '))
        : { id: 'gpu', status: 'warn', message: 'nvidia-smi lists no GPU', fix: 'nvidia-smi' };
    case 'absent':
      return {
        id: 'gpu',
        status: 'warn',
        message: 'there is no nvidia-smi: jobs run on the CPU (or on Metal)',
        fix: null,
      };
    case 'mismatch':
      return {
        id: 'gpu',
        status: 'fail',
        message: 'the driver was upgraded under the running kernel',
        fix: 'sudo reboot',
      };
    case 'hung':
      return {
        id: 'gpu',
        status: 'fail',
        message: 'nvidia-smi hangs: the driver is wedged',
        fix: 'sudo dmesg | grep -i nvrm | tail; then sudo reboot',
      };
    case 'failed':
      return {
        id: 'gpu',
        status: 'fail',
        message: `nvidia-smi fails: ${reading.detail.split('\n')[0]}`,
        fix: 'nvidia-smi',
      };
  }
}

function checkOwnerPolicy(home: string): Check {
  const read = readPolicy(home);
  if ('problem' in read)
    return { id: 'policy', status: 'fail', message: read.problem, fix: `edit ${join(home, 'policy.json')}` };
  return ok(
    'policy',
    Object.keys(read.policy).length > 0
      ? 'the owner restricts what may run'
      : 'no policy.json: whatever the control plane asks may run',
  );
}

function checkSandbox(home: string): Check {
  const tool = findBwrap(process.env);
  if ('bwrap' in tool) return ok('sandbox', `edited code runs under ${tool.bwrap}`);
  const read = readPolicy(home);
  const isRequired = 'policy' in read && read.policy.sandbox?.require === true;
  return {
    id: 'sandbox',
    status: isRequired ? 'fail' : 'warn',
    message: `${tool.problem}: edited code ${isRequired ? 'is refused' : "runs with the rights of this box's user"}`,
    fix: tool.fix,
  };
}

async function checkServer(server: string): Promise<Check[]> {
  const begun = Date.now();
  let response: Response;
  try {
    response = await fetch(`${server.replace(/\/+$/, '')}/healthz`, { signal: AbortSignal.timeout(NETWORK_MS) });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return [
      {
        id: 'network',
        status: 'fail',
        message: `${server} does not answer: ${cause}`,
        fix: `curl -v ${server}/healthz`,
      },
    ];
  }
  const roundTripMs = Date.now() - begun;
  const checks = [
    response.ok
      ? ok('network', `${server} answers in ${roundTripMs} ms`)
      : {
          id: 'network',
          status: 'fail' as const,
          message: `${server} answers ${response.status}`,
          fix: `curl -v ${server}/healthz`,
        },
  ];
  const date = Date.parse(response.headers.get('date') ?? '');
  if (Number.isNaN(date)) return checks;
  // The header has whole seconds: half of one, and half the round trip, is no skew.
  const skewMs = Math.abs(begun + roundTripMs / 2 - (date + 500));
  checks.push(
    skewMs > SKEW_MS
      ? {
          id: 'clock',
          status: 'fail',
          message: `this clock is off by ${Math.round(skewMs / 1000)} s`,
          fix: 'sudo timedatectl set-ntp true',
        }
      : ok('clock', 'the clock agrees with the control plane'),
  );
  return checks;
}
