import { startAgent, type Agent, type AgentOptions } from '../agent.js';
import { saveCredentials } from '../credentials.js';
import type { FakeControlPlane } from '../connection/testing/fake-control-plane.js';
import { temporaryFolder } from './temporary-folder.js';

/** A home that is enrolled with a fake control plane. */
export function enrolledHome(plane: FakeControlPlane): string {
  const home = temporaryFolder('box');
  saveCredentials(home, { server: plane.url, boxId: 'box-1', name: 'test', credential: 'nsb_test' });
  return home;
}

const quiet = () => {};

/** An agent in this process, quiet, on a home that is enrolled with the plane unless one is given. */
export async function startBox(
  plane: FakeControlPlane,
  over: Partial<AgentOptions> = {},
): Promise<Agent & { home: string }> {
  const home = over.home ?? enrolledHome(plane);
  const agent = await startAgent({ log: { info: quiet, warn: quiet, error: quiet }, slots: 1, ...over, home });
  return Object.assign(agent, { home });
}
