import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { InputFileError } from '../error-text.js';
import { withJson, type Cli, type ClientOptions } from '../cli.js';
import { SPEC_FILE } from '../spec-file.js';
import { specTemplate } from '../spec-template.js';

export function addInit(program: Command, cli: Cli): void {
  withJson(program.command('init'))
    .description(`write a commented ${SPEC_FILE}; an existing one is never touched`)
    .argument('[dir]', 'the folder of the project', '.')
    .action((dir: string, options: ClientOptions) => {
      const folder = resolve(dir);
      const path = join(folder, SPEC_FILE);
      if (existsSync(path))
        throw new InputFileError(path, 'conflict', `${path} is there already, and stays as it is`, {
          hint: 'edit it, or remove it first',
        });
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, specTemplate(projectName(folder)), { flag: 'wx' });
      if (options.json) cli.terminal.json({ path });
      else {
        const shown = relative(process.cwd(), path) || path;
        cli.terminal.out(
          `Wrote ${shown}.\nNext: say in it what to train and what may be changed, then: nightshift run ${shown}\n`,
        );
      }
    });
}

/** A folder's name as a project may be called. */
function projectName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return name || 'my-project';
}
