import { AppError, isTerminalIteration } from '@nightshift/protocol';
import { dataOf, type Api, type Job } from './client.js';
import { listAll } from './list-all.js';

/** The newest job of an iteration's own that has begun, the newest of the baseline for 0. @throws AppError not_found, with why. */
export async function newestJobOf(api: Api, run: string, number: number): Promise<Job> {
  const path = { id: run, number };
  const of = number === 0 ? null : await dataOf(api.GET('/v1/runs/{id}/iterations/{number}', { params: { path } }));
  const jobs = await listAll((query) => dataOf(api.GET('/v1/jobs', { params: { query: { run, ...query } } })));
  // Audits measure what it is compared with, and so does every screening after its first.
  const isOther = ({ role, replicate }: Job) => role === 'audit' || (role === 'screen' && replicate > 1);
  const own = jobs.filter((job) =>
    of === null ? job.role === 'baseline' : job.iterationId === of.id && !isOther(job),
  );
  const job = own.find(({ startedAt }) => startedAt !== null);
  if (job) return job;
  const what = of === null ? 'the baseline' : `iteration ${number}`;
  const isOver = of !== null && isTerminalIteration(of.state);
  throw new AppError(
    'not_found',
    `${what} of ${run} has no log: ${own.length > 0 ? 'none of its jobs has begun' : isOver ? `it is ${of.state}, and nothing of it ran` : 'nothing of it has run yet'}`,
    { hint: isOver ? `why: nightshift iterations ${run}` : `what the run waits for: nightshift watch ${run}` },
  );
}
