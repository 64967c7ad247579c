import { problemOf, type Api, type Run } from './client.js';

export interface FetchedBranch {
  /** For `git fast-import`. */
  stream: string;
  branch: string;
  /** The commit of the source that it stands on; null when it begins with a commit of its own. */
  baseCommit: string | null;
  /** Where that commit can be fetched from. */
  source: string | null;
}

/** The kept patches of a run as a stream for git, and what is needed to use it. */
export async function fetchBranch(api: Api, run: Run, options: { squash: boolean }): Promise<FetchedBranch> {
  const query = { format: 'branch' as const, ...(options.squash ? { squash: 'true' as const } : {}) };
  const { data, error, response } = await api.GET('/v1/runs/{id}/export', {
    params: { path: { id: run.id }, query },
    parseAs: 'text',
  });
  if (!response.ok) throw problemOf(response, error);
  const source = run.spec.source as { kind: string; path?: string; url?: string };
  return {
    stream: data ?? '',
    branch: response.headers.get('x-nightshift-branch') ?? `nightshift/${run.id}`,
    baseCommit: response.headers.get('x-nightshift-base'),
    source: source.url ?? source.path ?? null,
  };
}
