import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { AppError } from '@nightshift/protocol';
import type { Cli } from './cli.js';
import { readEnvironment } from './environment.js';
import { errorText } from './error-text.js';
import { EXIT, exitCodeOfError } from './exit-codes.js';
import { homeAt } from './home.js';
import { buildProgram } from './program.js';
import { flush, processTerminal, type Terminal } from './terminal.js';

const packageFile = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

function report(error: unknown, terminal: Terminal): number {
  // commander has written its own message by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof AppError) {
    terminal.err(errorText(error));
    return exitCodeOfError(error.code);
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') {
    terminal.err(`error: ${(error as Error).message}\n  → the build is not whole: npm ci && npm run build\n`);
    return EXIT.infrastructure;
  }
  const isSystem = error instanceof Error && typeof code === 'string';
  terminal.err(
    isSystem
      ? `error: ${error.message}\n`
      : `a defect of nightshift, please report it:\n${(error as Error)?.stack ?? String(error)}\n`,
  );
  if (code === 'EACCES' || code === 'EPERM') return EXIT.notAllowed;
  return isSystem ? EXIT.infrastructure : EXIT.defect;
}

async function main(): Promise<number> {
  const terminal = processTerminal();
  try {
    const environment = readEnvironment(process.env);
    const cli: Cli = {
      terminal,
      environment,
      processEnv: process.env,
      home: homeAt(environment.home),
      version: packageFile.version,
      exitCode: EXIT.ok,
    };
    await buildProgram(cli).parseAsync(process.argv);
    return cli.exitCode;
  } catch (error) {
    return report(error, terminal);
  }
}

const exitCode = await main();
await flush();
// Explicit: a socket that somebody keeps alive must not keep a finished command alive.
process.exit(exitCode);
