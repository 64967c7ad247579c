import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { withServer, type Cli, type ClientOptions } from '../cli.js';
import { connect, dataOf } from '../client.js';
import { findConnection } from '../connection.js';
import { writeConfig } from '../home.js';
import { readInput } from '../input-file.js';

export function addLogin(program: Command, cli: Cli): void {
  withServer(program.command('login'))
    .description(
      'keep a control plane and a token for later commands; the token is read from the standard input when not given',
    )
    .action(async (options: ClientOptions) => {
      const { environment, home, terminal } = cli;
      // A damaged file of an earlier login is no obstacle where the control plane is named.
      const asked = options.server ?? environment.server ?? findConnection(home, environment, {}).server;
      const server = asked.replace(/\/+$/, '');
      const token = options.token ?? environment.token ?? (await askForToken(server));
      if (!/^[\x21-\x7e]+$/.test(token)) throw new AppError('bad_request', 'a token has no blanks and is not empty');
      // Asked before it is kept: a token with a slip in it should fail here and not tomorrow.
      await dataOf(connect({ server, token }).GET('/v1/runs', { params: { query: { limit: 1 } } }));
      writeConfig(home, { server, token });
      if (options.json) terminal.json({ server, config: home.config });
      else terminal.out(`Logged in to ${server}; kept in ${home.config}.\n`);
    });
}

async function askForToken(server: string): Promise<string> {
  if (!process.stdin.isTTY) return readInput('-').trim();
  process.stderr.write(`Token for ${server}: `);
  // What is typed is a secret: the prompt's echo goes nowhere.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return (await prompt.question('')).trim();
  } finally {
    prompt.close();
    process.stderr.write('\n');
  }
}
