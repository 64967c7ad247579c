import { DEFAULT_PORT } from '@nightshift/protocol';
import type { Environment } from './environment.js';
import { readConfig, readServerFile, readTokenFile, type Home } from './home.js';

export const DEFAULT_SERVER = `http://127.0.0.1:${DEFAULT_PORT}`;

export interface Connection {
  server: string;
  token: string | null;
}

/**
 * Which control plane to ask, and with which token: what the command line says, then the environment, then `login`, then what
 * `serve` left in this home. A token that was kept for one server is never sent to another.
 */
export function findConnection(
  home: Home,
  environment: Pick<Environment, 'server' | 'token'>,
  asked: { server?: string | undefined; token?: string | undefined },
): Connection {
  const config = readConfig(home);
  const served = readServerFile(home);
  const server = withoutSlash(asked.server ?? environment.server ?? config?.server ?? served ?? DEFAULT_SERVER);
  const given = asked.token ?? environment.token;
  if (given !== undefined) return { server, token: given };
  if (config && withoutSlash(config.server) === server) return { server, token: config.token };
  return { server, token: isThisMachine(server) || server === served ? readTokenFile(home.token) : null };
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}

function isThisMachine(server: string): boolean {
  const { hostname } = new URL(server);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}
