import type { Cli } from './cli.js';
import type { Api, Run } from './client.js';
import { EXIT } from './exit-codes.js';
import { listIterations } from './follow-run.js';
import { onInterrupt } from './interrupt.js';
import { patiently } from './patience.js';
import { runOutcome, type RunOutcome } from './run-outcome.js';
import { tellRun } from './tell-run.js';

/**
 * Follows a run to its end and says what it came to. Ctrl-C detaches: the run goes on.
 * @returns the exit code.
 */
export async function waitForRun(
  cli: Cli,
  api: Api,
  run: Run,
  options: { json?: boolean; maxRegression?: number },
): Promise<number> {
  const { terminal } = cli;
  const interrupt = onInterrupt();
  try {
    // With --json the one line of the result has stdout to itself.
    const say = options.json ? terminal.err : terminal.out;
    const ended = await tellRun(api, run, {
      say,
      complain: terminal.err,
      columns: terminal.columns,
      signal: interrupt.signal,
    });
    const iterations = ended && (await patiently(() => listIterations(api, run.id), interrupt));
    if (ended === null || iterations === null) {
      terminal.err(
        `\nDetached; the run goes on.\n  follow it  nightshift watch ${run.id}\n  end it     nightshift stop ${run.id}\n`,
      );
      return EXIT.cancelled;
    }
    const outcome = runOutcome(ended, iterations, options);
    const mark = ended.measurement === 'unsealed' ? ' (unsealed)' : '';
    if (options.json)
      terminal.json({ outcome: outcome.outcome, exitCode: outcome.exitCode, detail: outcome.sentence, run: ended });
    else terminal.out(`${outcomeText(outcome, ended)}${mark}\n`);
    return outcome.exitCode;
  } finally {
    interrupt.release();
  }
}

// How the run ended was told with its end: what is left is the word for it.
function outcomeText({ outcome, sentence }: RunOutcome, { endDetail }: Run): string {
  const word = outcome.replaceAll('_', ' ');
  return endDetail && sentence.includes(endDetail) ? word : `${word}: ${sentence}`;
}
