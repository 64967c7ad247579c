import { plainText } from '@nightshift/control-plane/trajectory/wording';
import type { components } from './api.js';
import type { Cli, ClientOptions } from './cli.js';
import { EXIT } from './exit-codes.js';

/** Says what the rails made of a proposal; one that is blocked ends the command with 20. */
export function printVerdict(
  cli: Cli,
  runId: string,
  verdict: components['schemas']['ProposalVerdict'],
  options: Pick<ClientOptions, 'json'>,
): void {
  if (verdict.verdict === 'block') cli.exitCode = EXIT.blocked;
  if (options.json) cli.terminal.json(verdict);
  else if (verdict.verdict === 'block')
    cli.terminal.out(`blocked by the rail ${verdict.rail}: ${plainText(verdict.reason ?? '', 1000)}\n`);
  else
    cli.terminal.out(`accepted as iteration ${verdict.iteration?.number}; follow it with: nightshift watch ${runId}\n`);
}
