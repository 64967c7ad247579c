import type { Command } from 'commander';
import { DEFAULT_PORT } from '@nightshift/protocol';
import { apiKeys } from '../api-keys.js';
import { withJson, type Cli, type ClientOptions } from '../cli.js';
import { findConnection } from '../connection.js';
import { readTokenFile, writePrivate } from '../home.js';
import { aborted, onInterrupt } from '../interrupt.js';
import { listenError } from '../listen-error.js';
import { createLog } from '../logger.js';
import { parsePort } from '../option-parsers.js';

interface ServeOptions extends ClientOptions {
  host?: string;
  port?: number;
}

export function addServe(program: Command, cli: Cli): void {
  withJson(program.command('serve'))
    .description('run a control plane here, on DATABASE_URL or on a Postgres of its own')
    .option('--host <address>', 'where to listen (NIGHTSHIFT_HOST, default 127.0.0.1)')
    .option('--port <port>', `0 takes a free one (NIGHTSHIFT_PORT, default ${DEFAULT_PORT})`, parsePort)
    .action(async (options: ServeOptions) => {
      const { environment, home, terminal, processEnv, version } = cli;
      const interrupt = onInterrupt();
      const { startControlPlane } = await import('@nightshift/control-plane/main');
      const host = options.host ?? environment.host ?? '127.0.0.1';
      const port = options.port ?? environment.port ?? DEFAULT_PORT;
      const log = createLog({ isPretty: process.stderr.isTTY === true && !options.json });
      const controlPlane = await startControlPlane({
        databaseUrl: environment.databaseUrl,
        dataDir: home.postgres,
        host,
        port,
        log,
        version,
        apiKey: apiKeys(processEnv, log),
        signal: interrupt.signal,
      }).catch((error: unknown) => {
        // Ctrl-C reaches what was being started as well: whatever that complains of then is the end that was asked for.
        if (interrupt.signal.aborted) return null;
        throw listenError(error, host, port);
      });
      if (controlPlane === null) {
        if (!options.json) terminal.err('Stopped before it listened.\n');
        return interrupt.release();
      }
      const { url } = controlPlane;
      // Whoever owns the embedded database may do anything: a token file that was lost is made again.
      const isLost = !environment.databaseUrl && readTokenFile(home.token) === null;
      const firstToken = controlPlane.firstToken ?? (isLost ? await controlPlane.makeAdminToken() : null);
      if (firstToken !== null) writePrivate(home.token, `${firstToken}\n`);
      const here = localUrl(url);
      writePrivate(home.server, `${here}\n`);
      const hasToken = readTokenFile(home.token) !== null;
      if (options.json)
        terminal.json({
          url,
          tokenFile: hasToken ? home.token : null,
          database: environment.databaseUrl ? 'external' : 'embedded',
        });
      else {
        const database = environment.databaseUrl ? 'DATABASE_URL' : `its own Postgres in ${home.postgres}`;
        terminal.out(`Nightshift listens on ${url}\n  database  ${database}\n  API       ${url}/docs\n`);
        if (firstToken !== null)
          terminal.out(`  token     written to ${home.token}; commands with this home folder use it\n`);
        const command = commandFor(cli, here);
        terminal.out(
          `Next: ${command('boxes enrol')}, then ${command('run')}.\nCtrl-C stops the control plane; jobs on boxes go on.\n`,
        );
      }
      await aborted(interrupt.signal);
      if (!options.json) terminal.err('Stopping…\n');
      await controlPlane.stop();
      interrupt.release();
    });
}

/** A host that stands for every address is reached at this machine's own. */
function localUrl(url: string): string {
  const { hostname, port } = new URL(url);
  return ['0.0.0.0', '[::]'].includes(hostname) ? `http://127.0.0.1:${port}` : url;
}

/** A command as another terminal has to be told it to get here: a home of its own, a login or a variable may lead elsewhere. */
function commandFor({ home, environment }: Cli, url: string): (words: string) => string {
  const before = environment.home === undefined ? '' : `NIGHTSHIFT_HOME=${home.path} `;
  const after = findConnection(home, environment, {}).server === url ? '' : ` --server ${url}`;
  return (words) => `${before}nightshift ${words}${after}`;
}
