import { startAgent } from '../agent.js';

// An agent as a process of its own, to be killed by tests: node agent-main.js HOME
const quiet = () => {};
const home = process.argv[2];
if (home === undefined) throw new Error('usage: agent-main HOME');
const agent = await startAgent({
  home,
  slots: Number(process.argv[3] ?? 1),
  log: { info: quiet, warn: quiet, error: (_fields, message) => process.stderr.write(`${message}\n`) },
});
process.on('SIGTERM', () => void agent.stop());
await agent.done;
process.exit(0);
