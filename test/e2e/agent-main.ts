import { startAgent } from '@nightshift/gpu-agent';

// An agent as a process of its own, to be killed by tests: it outlives nobody, its jobs outlive it.
const { NIGHTSHIFT_TEST_HOME: home, NIGHTSHIFT_TEST_SLOTS: slots } = process.env;
if (home === undefined) throw new Error('needs NIGHTSHIFT_TEST_HOME');
const quiet = () => undefined;
const complain = (level: string) => (fields: object, message: string) => {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
};
const agent = await startAgent({
  home,
  slots: Number(slots ?? 1),
  // A busy test machine is no reason to end a job.
  memoryFloorBytes: null,
  log: { info: quiet, warn: quiet, error: complain('error') },
});
process.stdout.write(`${JSON.stringify({ boxId: agent.state().boxId })}\n`);
const stop = () => void agent.stop();
process.on('SIGTERM', stop);
process.stdin.on('end', stop).resume();
const end = await agent.done;
process.exit(end.connection === 'rejected' ? 3 : 0);
