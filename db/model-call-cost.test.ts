import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { createEmptyDatabase } from './testing/database.js';
import { parseDatabaseUrl } from './database-url.js';
import { migrate } from './migrate.js';
import { migrationsFolder } from './migration-files.js';

test('calls made before costs were stored are priced by their run’s spec, and stay without a cost where it has no price', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightshift-migrations-'));
  const database = await createEmptyDatabase();
  const sql = postgres({ ...parseDatabaseUrl(database.url).options, max: 1, onnotice: () => undefined });
  try {
    await cp(migrationsFolder(), folder, { recursive: true });
    const journal = join(folder, 'meta', '_journal.json');
    const whole = await readFile(journal, 'utf8');
    const { entries, ...rest } = JSON.parse(whole) as { entries: unknown[] };
    await writeFile(journal, JSON.stringify({ ...rest, entries: entries.slice(0, 1) }));
    await migrate(database, { folder });
    const spec = {
      proposer: {
        model: { name: 'free', inputUsdPerMillion: null, outputUsdPerMillion: null },
        critic: { name: 'critic', inputUsdPerMillion: 2, outputUsdPerMillion: null },
        ladder: { models: [{ name: 'large', inputUsdPerMillion: 10, outputUsdPerMillion: 100 }] },
      },
    };
    await sql`insert into projects (id, name) values ('prj', 'p')`;
    await sql`insert into runs (id, project_id, spec, baseline_config, baseline_key, incumbent_config, incumbent_key)
      values ('run', 'prj', ${sql.json(spec)}, '{}', '[]', '{}', '[]')`;
    for (const model of ['free', 'critic', 'large', 'forgotten'])
      await sql`insert into model_calls (id, run_id, model, messages, outcome, latency_ms, prompt_tokens, completion_tokens)
        values (${model}, 'run', ${model}, '[]', 'accepted', 1, 100000, 10000)`;
    await writeFile(journal, whole);
    await migrate(database, { folder });
    expect(await sql`select id, cost_usd from model_calls order by id`).toEqual([
      { id: 'critic', cost_usd: 0.2 },
      { id: 'forgotten', cost_usd: null },
      { id: 'free', cost_usd: null },
      { id: 'large', cost_usd: 2 },
    ]);
  } finally {
    await sql.end();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
});
