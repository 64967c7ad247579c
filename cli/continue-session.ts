import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { AppError, keptHead, type EarlierRow, type EarlierSession, type Spec } from '@nightshift/protocol';
import { earlierFigures, readEarlier } from '@nightshift/control-plane/trajectory/index';
import { countText } from '@nightshift/control-plane/trajectory/wording';
import type { components } from './api.js';
import { InputFileError } from './error-text.js';
import { commitsAt } from './git/commits-at.js';
import { changedSince, filesAt, knownCommits, placeOf, type KnownCommit, type Place } from './git/known-commits.js';
import { readInput } from './input-file.js';

export interface Continued {
  /** What a control plane takes. */
  earlier: components['schemas']['EarlierSession'];
  /** The whole id of the last commit that the session kept; null when it kept nothing. */
  head: string | null;
  /** For whoever starts the run: what goes on, and from where. */
  said: string;
}

/** All diffs of a session together, newest first, so that a body of the API holds them. */
const MOST_DIFF_CHARS = 1_500_000;

/**
 * Reads the `results.tsv` of a session that a run is to go on from, with what the repository knows of its commits.
 * @param repo where the commits are; when left out the source's folder, or for a source of git the current one and then the source.
 * @throws InputFileError with the lines that are wrong; `not_found` when nothing there has the last keep; `conflict` when a source
 * that is a folder is not at it.
 */
export async function continueSession(path: string, spec: Spec, repo?: string): Promise<Continued> {
  const edit = spec.edit;
  if (!edit)
    throw new AppError('bad_request', '--continue goes on from commits: it needs a spec of code mode (edit)', {
      hint: 'nightshift analyze reads a results.tsv of any kind',
    });
  const name = path === '-' ? 'results.tsv' : basename(path);
  const results = readInput(path);
  const session = readRows(path, name, results, spec);
  const folder = resolve(repo ?? (spec.source.kind === 'path' ? spec.source.path : '.'));
  const names = session.rows.flatMap(({ commit }) => (commit === null ? [] : [commit]));
  const place = existsSync(folder) ? await placeOf(folder, spec.source.kind === 'path') : null;
  const last = keptHead(session);
  let known = place === null ? new Map<string, KnownCommit>() : await knownCommits(place, names, edit.files);
  if (repo === undefined && spec.source.kind === 'git' && last?.commit != null && !known.has(last.commit))
    known = new Map([...known, ...(await commitsAt(spec.source.url, names, edit.files))]);
  const head = last?.commit == null ? null : (known.get(last.commit) ?? null);
  if (last && !head) throw notFound(path, last, spec, repo);
  if (place && last && head && spec.source.kind === 'path') {
    const other = await notAsKept(spec.source.path, place, head, edit, repo === undefined);
    if (other.length > 0)
      throw new AppError(
        'conflict',
        `the last keep of ${path} is ${last.commit} (line ${last.line}), which has another ${other.join(', ')} than ${spec.source.path}`,
        { hint: `go there first: git -C ${spec.source.path} checkout ${head.id.slice(0, 12)}` },
      );
  }
  return {
    earlier: { name, results, commits: bounded(session.rows, known) },
    head: head?.id ?? null,
    said: sentence(session, known, last, head),
  };
}

function readRows(path: string, name: string, results: string, spec: Spec): EarlierSession {
  try {
    return readEarlier(results, { name, metric: spec.metric });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new InputFileError(path, error.code, `${path} cannot be continued`, {
      errors: error.errors ?? [],
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

// The baseline is to be the code that the session kept last: measuring another would compare everything with the wrong thing.
async function notAsKept(
  source: string,
  place: Place,
  head: KnownCommit,
  { files, sealed }: NonNullable<Spec['edit']>,
  isOwn: boolean,
): Promise<string[]> {
  const kept = new Map((await filesAt(place, head.id, files)).map(({ path, content }) => [path, content]));
  const edited = files.filter((path) => {
    const here = join(source, path);
    return (existsSync(here) ? readFileSync(here, 'utf8') : undefined) !== kept.get(path);
  });
  // Another repository's working tree says nothing of the sealed files here.
  return [...edited, ...(isOwn ? await changedSince(place, head.id, sealed) : [])];
}

// A run from another baseline would be a run of its own that passes for the session's next.
function notFound(path: string, { commit, line }: EarlierRow, { source }: Spec, repo: string | undefined): AppError {
  const folder = repo ?? (source.kind === 'path' ? source.path : '.');
  const where = source.kind === 'git' && repo === undefined ? `here, nor in ${source.url}` : `at ${resolve(folder)}`;
  const what = commit === null ? 'names no commit' : `is ${commit}, which is no commit of a repository ${where}`;
  const again = 'nightshift export RUN --format branch makes the commits of a run, --format tsv names them';
  return new AppError('not_found', `the last keep of ${path} (line ${line}) ${what}`, {
    hint:
      commit !== null && /^0{3}\d+$/.test(commit)
        ? `it looks like the number of an iteration: ${again}`
        : `name the repository that has it with --repo; where it is a run of ours: ${again}`,
  });
}

function bounded(
  rows: readonly EarlierRow[],
  known: ReadonlyMap<string, KnownCommit>,
): Record<string, { diff: string | null; codeKey: string | null }> {
  const commits: Record<string, { diff: string | null; codeKey: string | null }> = {};
  let chars = 0;
  for (const { commit } of rows.toReversed()) {
    const found = commit === null || commit in commits ? undefined : known.get(commit);
    if (commit === null || !found) continue;
    chars += found.diff?.length ?? 0;
    commits[commit] = { diff: chars > MOST_DIFF_CHARS ? null : found.diff, codeKey: found.codeKey };
  }
  return commits;
}

function sentence(
  session: EarlierSession,
  known: ReadonlyMap<string, KnownCommit>,
  last: EarlierRow | null,
  head: KnownCommit | null,
): string {
  const { name, rows, kept, discarded, crashed } = earlierFigures(session);
  const withCommit = session.rows.filter(({ commit }) => commit !== null && known.has(commit)).length;
  const lines = [
    `Goes on from ${name}: ${countText(rows, 'row')} (${kept} kept, ${discarded} discarded, ${crashed} crashed), ${withCommit} with a commit that is here.`,
  ];
  if (last === null) lines.push('Nothing was kept there: the baseline is the source as it is.');
  else if (head)
    lines.push(`The baseline is its last keep, ${head.id.slice(0, 12)} (line ${last.line}), measured afresh.`);
  return `${lines.join('\n')}\n`;
}
