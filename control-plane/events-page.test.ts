import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOMS = ['api', 'fleet', 'loop', 'webhooks'];
/** What stands in a type that is put together, by the expression in it. Another one has to be added here, and to the page. */
const PARTS: Record<string, Record<string, string[]>> = {
  'run.${step.to}': { 'step.to': ['completed', 'stopped', 'failed'] },
  'iteration.${to}': { to: ['kept', 'reverted', 'inconclusive'] },
  'job.${state}': { state: ['succeeded', 'failed', 'timed_out', 'cancelled', 'lost'] },
  'box.${verb}ed': { verb: ['cordon', 'uncordon', 'drain', 'undrain'] },
  'notes.${to}': { to: ['adopted', 'rejected'] },
  'notes.${state}': { state: ['proposed', 'adopted'] },
};

async function typesInSources(): Promise<Set<string>> {
  const found = new Set<string>();
  for (const room of ROOMS) {
    const folder = fileURLToPath(new URL(room, import.meta.url));
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const source = await readFile(join(folder, name), 'utf8');
      // From each call to the next one: its own `type:` comes first, whatever stands in the payload.
      for (const call of source.split(/\brecordEvents?\(/).slice(1)) {
        const said = /\btype: ((?:'[^']*'|`[^`]*`|[^,'`\n])*)/.exec(call)?.[1] ?? '';
        const types = [...said.matchAll(/'([a-z]+\.[a-z_]+)'|`([^`]+)`/g)].map((match) => match[1] ?? match[2] ?? '');
        expect(types, `${room}/${name}: ${call.slice(0, 80)}`).not.toHaveLength(0);
        for (const type of types) for (const one of expand(type)) found.add(one);
      }
    }
  }
  return found;
}

function expand(type: string): string[] {
  if (!type.includes('${')) return [type];
  const [[part, values]] = Object.entries(PARTS[type] ?? {}) as [[string, string[]]];
  return values.map((value) => type.replace(`\${${part}}`, value));
}

test('docs/events.md lists exactly the events that are recorded', async () => {
  const page = await readFile(new URL('../docs/events.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `([a-z]+\.[a-z_]+)` \|/gm)].map((match) => match[1] as string);
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.toSorted()).toEqual([...(await typesInSources())].toSorted());
});
