import { z } from '@hono/zod-openapi';
import { AppError, type EarlierSession, type Spec } from '@nightshift/protocol';
import { readEarlier } from '../trajectory/index.js';

/** Characters that all diffs of an earlier session may have together; a prompt tells a part of them. */
const MOST_DIFF_CHARS = 2_000_000;

export const earlierBody = z
  .strictObject({
    name: z.string().min(1).max(200).default('results.tsv').openapi({ description: 'what errors and reports call it' }),
    results: z.string().min(1).max(1_000_000).openapi({
      description:
        'the text of a results.tsv: commit, the metric of the spec, memory_gb, status, description, with tabs',
    }),
    commits: z
      .record(
        z.string().max(64),
        z.strictObject({
          diff: z.string().max(100_000).nullable().openapi({ description: 'what it changed in the editable files' }),
          codeKey: z
            .string()
            .regex(/^[0-9a-f]{64}$/)
            .nullable()
            .openapi({ description: 'SHA-256 of the editable files at it together, as in GET /v1/runs/{id}/code' }),
        }),
      )
      .default({})
      .openapi({ description: 'what a repository knows of the commits, by their names in the file' }),
  })
  .openapi('EarlierSession', {
    description:
      'code mode: a session made with other tools, which the run goes on from. Told, and never measured here',
  });

/** The rows of an earlier session with what a repository knew of their commits. @throws AppError bad_request with the lines that are wrong. */
export function earlierOf(body: z.infer<typeof earlierBody>, spec: Spec): EarlierSession {
  if (!spec.edit)
    throw new AppError('bad_request', 'earlier: only a run of code mode (edit) goes on from a session of commits', {
      errors: [{ path: 'earlier', message: 'needs a spec with edit' }],
    });
  const chars = Object.values(body.commits).reduce((sum, { diff }) => sum + (diff?.length ?? 0), 0);
  if (chars > MOST_DIFF_CHARS)
    throw new AppError(
      'too_large',
      `earlier.commits: the diffs have ${chars} characters; ${MOST_DIFF_CHARS} are taken`,
    );
  const session = readEarlier(body.results, { name: body.name, metric: spec.metric });
  const known = new Map(Object.entries(body.commits).map(([name, commit]) => [name.toLowerCase(), commit]));
  return {
    ...session,
    rows: session.rows.map((row) => ({ ...row, ...(row.commit === null ? {} : known.get(row.commit)) })),
  };
}
