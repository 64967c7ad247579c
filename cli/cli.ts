import type { Command } from 'commander';
import { connect, type Api } from './client.js';
import { findConnection } from './connection.js';
import { parseUrl } from './option-parsers.js';
import type { Environment } from './environment.js';
import type { Home } from './home.js';
import type { Terminal } from './terminal.js';

/** What every command is given. */
export interface Cli {
  terminal: Terminal;
  environment: Environment;
  /** The whole environment, for what is started from here: agents, and keys that a spec names with apiKeyEnv. */
  processEnv: NodeJS.ProcessEnv;
  home: Home;
  version: string;
  exitCode: number;
}

export interface ClientOptions {
  json?: boolean;
  server?: string;
  token?: string;
}

/** Adds --json, which every command takes. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print the result as JSON');
}

/** Adds the options of commands that ask a control plane. */
export function withServer(command: Command): Command {
  return withJson(command)
    .option('--server <url>', 'the control plane (NIGHTSHIFT_SERVER)', parseUrl)
    .option('--token <token>', 'an API token (NIGHTSHIFT_TOKEN)');
}

export function apiOf(cli: Cli, options: ClientOptions): Api {
  return connect(findConnection(cli.home, cli.environment, options));
}
