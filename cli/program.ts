import { Command } from 'commander';
import type { Cli } from './cli.js';
import { addAgent } from './commands/agent.js';
import { addAnalyze } from './commands/analyze.js';
import { addAsk } from './commands/ask.js';
import { addAttach } from './commands/attach.js';
import { addBoxes } from './commands/boxes.js';
import { addDemo } from './commands/demo.js';
import { addExport } from './commands/export.js';
import { addInit } from './commands/init.js';
import { addIterations } from './commands/iterations.js';
import { addLogin } from './commands/login.js';
import { addLogs } from './commands/logs.js';
import { addPolicyBench } from './commands/policy-bench.js';
import { addPolicyCheck } from './commands/policy-check.js';
import { addPropose } from './commands/propose.js';
import { addReport } from './commands/report.js';
import { addRewind } from './commands/rewind.js';
import { addRun } from './commands/run.js';
import { addRuns } from './commands/runs.js';
import { addServe } from './commands/serve.js';
import { addSteer } from './commands/steer.js';
import { addTell } from './commands/tell.js';
import { addToken } from './commands/token.js';
import { addWatch } from './commands/watch.js';

/** Every command of `nightshift`. Errors are thrown, not printed: the entrypoint prints them and chooses the exit code. */
export function buildProgram(cli: Cli): Command {
  const { terminal } = cli;
  const program = new Command('nightshift')
    .description('Autonomous research on your own GPU boxes.')
    .version(cli.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    .showSuggestionAfterError()
    .showHelpAfterError('  → add --help to see what it takes');
  program.commandsGroup('Servers');
  addDemo(program, cli);
  addServe(program, cli);
  addAgent(program, cli);
  program.commandsGroup('Research');
  addInit(program, cli);
  addRun(program, cli);
  addRewind(program, cli);
  addWatch(program, cli);
  addRuns(program, cli);
  addIterations(program, cli);
  addLogs(program, cli);
  addAttach(program, cli);
  addSteer(program, cli);
  addPropose(program, cli);
  addAsk(program, cli);
  addTell(program, cli);
  addReport(program, cli);
  addExport(program, cli);
  program.commandsGroup('Offline');
  addAnalyze(program, cli);
  const policy = program.command('policy').description('judge proposals by the rails, without a control plane');
  addPolicyCheck(policy, cli);
  addPolicyBench(policy, cli);
  program.commandsGroup('Access');
  addBoxes(program, cli);
  addToken(program, cli);
  addLogin(program, cli);
  program.addHelpText('after', '\nWithout anything else: nightshift demo');
  return program;
}
