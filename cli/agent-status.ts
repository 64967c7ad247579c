import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AgentStatus {
  home: string;
  server: string | null;
  boxId: string | null;
  name: string | null;
  /** Of the agent that serves this home; null when none does. */
  pid: number | null;
  jobs: {
    attemptId: string;
    jobId: string;
    project: string;
    state: 'preparing' | 'running' | 'ended';
    logBytes: number;
  }[];
}

/** What the files of an agent's home say, without disturbing the agent. */
export async function agentStatus(home: string): Promise<AgentStatus> {
  const { readCredentials } = await import('@nightshift/gpu-agent');
  const { Attempt } = await import('@nightshift/gpu-agent/spool/attempt');
  const { isAlive } = await import('@nightshift/gpu-agent/process/identity');
  const credentials = existsSync(join(home, 'agent.json')) ? readCredentials(home) : null;
  const holder = readHolder(join(home, 'agent.lock'));
  const jobs = existsSync(join(home, 'jobs')) ? readdirSync(join(home, 'jobs')) : [];
  return {
    home,
    server: credentials?.server ?? null,
    boxId: credentials?.boxId ?? null,
    name: credentials?.name ?? null,
    pid: holder && isAlive(holder) ? holder.pid : null,
    jobs: jobs.flatMap((id) => {
      const attempt = Attempt.open(home, id);
      if (!attempt) return [];
      const { jobId, project } = attempt.spec;
      return [{ attemptId: id, jobId, project, state: attempt.state, logBytes: attempt.logBytes }];
    }),
  };
}

function readHolder(path: string): { pid: number; startTime: string } | null {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as { pid?: unknown; startTime?: unknown };
    return typeof holder.pid === 'number' && typeof holder.startTime === 'string'
      ? { pid: holder.pid, startTime: holder.startTime }
      : null;
  } catch {
    return null;
  }
}
