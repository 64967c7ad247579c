import type { Command } from 'commander';
import { plainText } from '@nightshift/control-plane/trajectory/wording';
import { ageText } from '../age-text.js';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Box } from '../client.js';
import { findConnection } from '../connection.js';
import { listAll } from '../list-all.js';
import { parseCount } from '../option-parsers.js';
import { textTable } from '../text-table.js';

const VERBS = [
  ['cordon', '/v1/boxes/{id}/cordon', 'give a box no new work'],
  ['uncordon', '/v1/boxes/{id}/uncordon', 'give it work again'],
  ['drain', '/v1/boxes/{id}/drain', 'let it finish what it has and give it no new work'],
  ['undrain', '/v1/boxes/{id}/undrain', 'end the drain'],
  [
    'clean',
    '/v1/boxes/{id}/clean',
    'kill what ended jobs left behind on a dirty box, and have stuck clocks looked at anew',
  ],
] as const;

export function addBoxes(program: Command, cli: Cli): void {
  const boxes = program.command('boxes').description('list boxes, and look after them');
  withServer(boxes.command('list', { isDefault: true }))
    .description('list boxes')
    .action(async (options: ClientOptions) => {
      const items = await listAll((query) => dataOf(apiOf(cli, options).GET('/v1/boxes', { params: { query } })));
      if (options.json) cli.terminal.json({ items });
      else if (items.length === 0)
        cli.terminal.err('No boxes yet. Make a token for one with: nightshift boxes enrol\n');
      else
        cli.terminal.out(
          textTable(['box', 'state', 'free>', 'seen>', 'gpu', 'labels'], items.map(boxRow), cli.terminal.columns) +
            items.map(notesOf).join(''),
        );
    });
  withServer(boxes.command('enrol'))
    .description('make a one-time token with which one box enrols')
    .option('--for <name>', 'a note on whom it is for', 'enrolment')
    .option('--minutes <n>', 'how long it holds', parseCount, 60)
    .action(async (options: ClientOptions & { for: string; minutes: number }) => {
      const body = { name: options.for, ttlSeconds: Math.min(options.minutes * 60, 7 * 86_400) };
      const enrolment = await dataOf(apiOf(cli, options).POST('/v1/enrolments', { body }));
      const { server } = findConnection(cli.home, cli.environment, options);
      if (options.json) cli.terminal.json(enrolment);
      else
        cli.terminal.out(
          `On the box, once, before ${enrolment.expiresAt ?? 'it expires'}:\n\n` +
            `  nightshift agent enrol --server ${server} --token ${enrolment.secret}\n  nightshift agent run\n`,
        );
    });
  for (const [verb, path, description] of VERBS)
    withServer(boxes.command(verb))
      .description(description)
      .argument('<box>', 'its name or id')
      .action(async (id: string, options: ClientOptions) => {
        const box = await dataOf<Box>(apiOf(cli, options).POST(path, { params: { path: { id } } }));
        if (options.json) cli.terminal.json(box);
        else cli.terminal.out(`${box.name}: ${verb === 'clean' ? 'asked to clean up' : stateText(box)}\n`);
      });
  withServer(boxes.command('remove'))
    .description('end its credential; its jobs are given out again')
    .argument('<box>', 'its name or id')
    .action(async (id: string, options: ClientOptions) => {
      const box = await dataOf(apiOf(cli, options).DELETE('/v1/boxes/{id}', { params: { path: { id } } }));
      if (options.json) cli.terminal.json(box);
      else cli.terminal.out(`${box.name}: removed\n`);
    });
}

function stateText(box: Box): string {
  const flags = [
    box.isCordoned && 'cordoned',
    box.isDraining && 'draining',
    box.isDirty && `dirty (${box.dirtyPids.join(' ')})`,
    ...problemsOf(box).map(({ code }) => code),
  ];
  return [box.state, ...flags.filter(Boolean)].join(', ');
}

/** What the agent found wrong with its box: it gets no work until it is gone. */
function problemsOf(box: Box): { code: string; detail: string }[] {
  const { health } = (box.facts ?? {}) as { health?: { problems?: { code: string; detail: string }[] } };
  return (health?.problems ?? []).map(({ code, detail }) => ({
    code: plainText(code, 60),
    detail: plainText(detail, 500),
  }));
}

/** The lines under the table: why a box gets no work. */
function notesOf(box: Box): string {
  const cordon = box.isCordoned ? [`cordoned: ${plainText(box.cordonReason ?? 'no reason is known', 500)}`] : [];
  return [...cordon, ...problemsOf(box).map(({ detail }) => detail)].map((note) => `${box.name}: ${note}\n`).join('');
}

function boxRow(box: Box): string[] {
  const gpus = (box.facts as { gpus?: { name?: string }[] } | null)?.gpus ?? [];
  return [
    box.name,
    stateText(box),
    String(box.freeSlots),
    ageText(box.lastSeenAt),
    gpus.map((gpu) => gpu.name ?? 'unknown').join(', ') || 'none',
    box.labels.join(' '),
  ];
}
