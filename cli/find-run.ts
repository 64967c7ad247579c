import { AppError } from '@nightshift/protocol';
import { dataOf, type Api, type Run } from './client.js';
import { listAll } from './list-all.js';

const RUN_ID = /^run_[0-9a-z]{26}$/i;

/**
 * The run that a person means: an id, the beginning of one (with or without `run_`), or `latest`.
 * @throws AppError `not_found`, or `bad_request` when several runs begin like that.
 */
export async function findRun(api: Api, asked: string): Promise<Run> {
  if (RUN_ID.test(asked)) return dataOf(api.GET('/v1/runs/{id}', { params: { path: { id: asked } } }));
  if (asked === 'latest') {
    const { items } = await dataOf(api.GET('/v1/runs', { params: { query: { limit: 1 } } }));
    if (items[0]) return items[0];
    throw new AppError('not_found', 'there are no runs yet', { hint: 'start one: nightshift run' });
  }
  const runs = await listAll((query) => dataOf(api.GET('/v1/runs', { params: { query } })));
  const prefix = asked.toLowerCase();
  const found = runs.filter(
    ({ id }) => id.toLowerCase().startsWith(prefix) || id.slice(4).toLowerCase().startsWith(prefix),
  );
  if (found.length === 1) return found[0]!;
  if (found.length === 0)
    throw new AppError('not_found', `there is no run ${asked}`, { hint: 'list them with: nightshift runs' });
  throw new AppError('bad_request', `${found.length} runs begin with ${asked}; give more of the id`, {
    errors: found
      .slice(0, 5)
      .map(({ id, project, createdAt }) => ({ path: '', message: `${id}  ${project}, ${createdAt}` })),
  });
}
