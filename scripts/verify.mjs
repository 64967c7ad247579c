// Everything that can be judged without running the product: types, format, lint, arrows, cycles, generated files, migrations.
// Needs no database and no network.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);
if (!existsSync(bin('tsc'))) {
  console.error('The packages are not installed.\n  fix: npm ci');
  process.exit(1);
}
const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' };
const startedAt = performance.now();
let failures = 0;

const types = check('types', 'correct the sources', () => run(bin('tsc'), ['-b']));
const rest = [
  check('format', 'npm run format', () =>
    run(bin('prettier'), ['--check', '--cache', '--cache-strategy', 'content', '--log-level', 'warn', '.']),
  ),
  check('openapi', 'correct the routes in control-plane/api, then npm run generate', () =>
    run(bin('redocly'), ['lint', '--format', 'stylish', 'openapi.yaml']),
  ),
  check('migrations', 'npx drizzle-kit generate (in db/)', migrations),
];
// These two read what the compiler wrote.
await types;
rest.push(
  check('lint', 'correct the sources', () => run(bin('oxlint'), ['--type-aware', '--deny-warnings', '--quiet'])),
  check('generated', 'npm run generate', () => run(process.execPath, ['scripts/generate.mjs', '--check'])),
);
await Promise.all(rest);
console.log(`${failures === 0 ? 'verified' : `${failures} failed`} in ${seconds(startedAt)}`);
process.exitCode = failures === 0 ? 0 : 1;

async function check(name, fix, work) {
  const from = performance.now();
  const output = await work().then(
    () => undefined,
    (error) => error.stdout?.trim() || error.stderr?.trim() || error.message,
  );
  console.log(`${output === undefined ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds(from).padStart(6)}`);
  if (output === undefined) return;
  failures += 1;
  console.log(`${output.replace(/^/gm, '  ')}\n  fix: ${fix}`);
}

/** The newest migration must give the schema of schema.ts, and the journal's times must increase. */
async function migrations() {
  const { migrationsFolder, readMigrations } = await import('../db/dist/migration-files.js').catch(() => ({}));
  if (!readMigrations) throw new Error('db/dist is missing: npm run build');
  await readMigrations(migrationsFolder());
  const cwd = join(root, 'db');
  const copy = await mkdtemp(join(tmpdir(), 'nightshift-migrations-'));
  try {
    await cp(join(cwd, 'migrations'), copy, { recursive: true });
    // drizzle-kit puts ./ before its folders, and exits with 0 when it fails: only its own words count.
    const options = ['--dialect', 'postgresql', '--schema', './schema.ts', '--out', relative(cwd, copy)];
    const { stdout, stderr } = await run(bin('drizzle-kit'), ['generate', ...options], cwd);
    if (!stdout.includes('No schema changes'))
      throw new Error(`schema.ts and the migrations differ\n${stdout}${stderr}`.trim());
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function run(file, args, cwd = root) {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...quiet }, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(file, args, options, (error, stdout, stderr) =>
      error ? reject(Object.assign(error, { stdout, stderr })) : resolve({ stdout, stderr }),
    );
    // A question of drizzle-kit (was this renamed?) must end instead of wait.
    child.stdin.end();
  });
}

function seconds(from) {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}
