import { attemptAll, noSandbox, type Attempted } from './run.js';

// Prints every attempt to cheat and what stopped it: node test/dist/cheating/main.js
const problem = noSandbox();
if (problem) process.stdout.write(`There is no sandbox here (${problem}): the column "sandbox" is left out.\n`);
const rows: Attempted[] = [];
for (const mode of problem ? (['none'] as const) : (['sandbox', 'none'] as const)) {
  process.stdout.write(`\n${mode === 'none' ? 'without a sandbox' : 'in the sandbox'}\n`);
  rows.push(
    ...(await attemptAll(mode, ({ name, outcome, stoppedBy, ledger }) => {
      process.stdout.write(
        `${outcome.padEnd(14)} ${name}\n${' '.repeat(15)}by: ${stoppedBy}\n${' '.repeat(15)}ledger: ${ledger.slice(0, 150)}\n`,
      );
    })),
  );
}
const count = (outcome: Attempted['outcome'], mode: string) =>
  rows.filter((row) => row.outcome === outcome && row.mode === mode).length;
for (const mode of new Set(rows.map((row) => row.mode)))
  process.stdout.write(
    `\n${mode}: ${rows.filter((row) => row.mode === mode).length} attempts, ${count('caught', mode)} caught, ${count('harmless', mode)} harmless, ${count('needs sandbox', mode)} need a sandbox, ${count('not stopped', mode)} not stopped, ${count('SUCCEEDED', mode)} succeeded\n`,
  );
process.exitCode = rows.some((row) => row.outcome === 'SUCCEEDED') ? 1 : 0;
