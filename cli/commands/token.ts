import { InvalidArgumentError, type Command } from 'commander';
import { AppError, parseDurationMs, SCOPES, type Scope } from '@nightshift/protocol';
import { ageText } from '../age-text.js';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf } from '../client.js';
import { listAll } from '../list-all.js';
import { parseList } from '../option-parsers.js';
import { textTable } from '../text-table.js';

interface CreateOptions extends ClientOptions {
  name: string;
  scopes: Scope[];
  expires?: number;
}

export function addToken(program: Command, cli: Cli): void {
  const token = program.command('token').description('tokens of the REST API');
  withServer(token.command('create'))
    .description('make a token; its secret is shown once')
    .requiredOption('--name <name>', 'what it is for')
    .option('--scopes <list>', `${SCOPES.join(', ')}; run and attach include read, admin all`, parseScopes, [
      'read',
      'run',
    ])
    .option('--expires <duration>', 'how long it holds, such as 30d; for ever when left out', parseExpiry)
    .action(async ({ name, scopes, expires, ...options }: CreateOptions) => {
      const body = { name, scopes, ...(expires === undefined ? {} : { expiresInSeconds: expires }) };
      const created = await dataOf(apiOf(cli, options).POST('/v1/tokens', { body }));
      if (options.json) cli.terminal.json(created);
      else {
        cli.terminal.err(
          `${created.id}: ${created.scopes.join(', ')}${created.expiresAt ? `, until ${created.expiresAt}` : ''}. Shown once:\n`,
        );
        cli.terminal.out(`${created.secret}\n`);
      }
    });
  withServer(token.command('list'))
    .description('list tokens, never their secrets')
    .action(async (options: ClientOptions) => {
      const items = await listAll((query) => dataOf(apiOf(cli, options).GET('/v1/tokens', { params: { query } })));
      if (options.json) cli.terminal.json({ items });
      else {
        const rows = items.map((row) => [
          row.id,
          row.kind,
          row.name,
          row.scopes.join(' '),
          stateOf(row),
          ageText(row.createdAt),
        ]);
        cli.terminal.out(textTable(['token', 'kind', 'name', 'scopes', 'state', 'age>'], rows, cli.terminal.columns));
      }
    });
  withServer(token.command('revoke'))
    .description('end a token')
    .argument('<id>', 'its id, as the list shows it')
    .action(async (id: string, options: ClientOptions) => {
      if (!id.startsWith('tok_')) throw new AppError('bad_request', 'give the id of the token (tok_…), not its secret');
      await dataOf(apiOf(cli, options).DELETE('/v1/tokens/{id}', { params: { path: { id } } }));
      if (options.json) cli.terminal.json({ id, isRevoked: true });
      else cli.terminal.out(`${id}: revoked\n`);
    });
}

function stateOf(row: { revokedAt: string | null; usedAt: string | null; expiresAt: string | null }): string {
  if (row.revokedAt !== null) return 'revoked';
  if (row.usedAt !== null) return 'used';
  return row.expiresAt !== null && Date.parse(row.expiresAt) < Date.now() ? 'expired' : 'valid';
}

function parseScopes(text: string): Scope[] {
  return parseList(text).map((scope) => {
    if (!(SCOPES as readonly string[]).includes(scope))
      throw new InvalidArgumentError(`It needs some of ${SCOPES.join(', ')}.`);
    return scope as Scope;
  });
}

function parseExpiry(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms < 60_000)
    throw new InvalidArgumentError('It needs a duration of a minute or more, such as 12h or 30d.');
  return Math.round(ms / 1000);
}
