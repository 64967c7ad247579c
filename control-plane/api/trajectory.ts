import { createRoute, z } from '@hono/zod-openapi';
import { measurementOf, UNSEALED_WARNING } from '@nightshift/protocol';
import {
  analyze,
  exportChat,
  writeChat,
  exportTrajectory,
  EXPORT_FORMATS,
  reportHtml,
  reportMarkdown,
  reportText,
} from '../trajectory/index.js';
import { loadChatCalls } from '../loop/chat-of-run.js';
import { loadPullRequest } from '../loop/pull-request-of-run.js';
import { loadTrajectory } from '../loop/trajectory-of-run.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { BRANCH_FORMATS, commitsOf, exportBranch, squashQuery } from './export-branch.js';
import { problems } from './problem.js';
import { answer, notJson, router } from './router.js';
import { requireRun, runId } from './runs.js';

const text = (type: string) => ({ [type]: { schema: z.string() } });

export function trajectory(deps: ApiDeps) {
  const app = router();
  const read = needs(deps, 'read');

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/trajectory',
      tags: ['runs'],
      summary: 'The figures of a run so far: coverage, repeats, plateau, noise, health',
      operationId: 'getTrajectory',
      security: bearer,
      middleware: [read] as const,
      request: { params: runId },
      responses: {
        200: answer('the analysis', z.record(z.string(), z.unknown()).openapi('Analysis')),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      return c.json({ ...analyze(await loadTrajectory(deps.db, run)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/report',
      tags: ['runs'],
      summary: 'The report of a run',
      operationId: 'getReport',
      security: bearer,
      middleware: [read] as const,
      request: {
        params: runId,
        query: z.object({
          format: z.enum(['markdown', 'html', 'text', 'pr']).default('markdown').openapi({
            description: 'pr: code mode, the Markdown body of a pull request with its evidence',
          }),
        }),
      },
      responses: {
        200: {
          description: 'the report',
          content: { ...text('text/markdown'), ...text('text/html'), ...text('text/plain') },
        },
        ...problems('not_found', 'illegal_state'),
      },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      const { format } = c.req.valid('query');
      if (format === 'pr') {
        c.header('content-type', 'text/markdown; charset=utf-8');
        return notJson(c.body(await loadPullRequest(deps.db, run)));
      }
      const data = await loadTrajectory(deps.db, run);
      const analysis = analyze(data);
      const title = `${run.spec.name} · ${run.id}`;
      const type = { markdown: 'text/markdown', html: 'text/html', text: 'text/plain' }[format];
      const write = {
        markdown: () => reportMarkdown(data, analysis, title),
        html: () => reportHtml(data, analysis, title),
        text: () => reportText(data, analysis, { title }),
      }[format];
      c.header('content-type', `${type}; charset=utf-8`);
      if (format === 'html')
        c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
      return notJson(c.body(write()));
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/export',
      tags: ['runs'],
      summary: 'The trajectory as a file',
      operationId: 'exportRun',
      security: bearer,
      middleware: [read] as const,
      request: {
        params: runId,
        query: z.object({
          format: z
            .enum([...EXPORT_FORMATS, 'chat', ...BRANCH_FORMATS])
            .default('jsonl')
            .openapi({
              description:
                'branch: code mode, a stream for `git fast-import`; patch: mails for `git am`. The same run gives the same bytes. ' +
                'tsv: `commit` is the number of the iteration, in seven digits, where there is no commit (menu mode, what was not kept) and ' +
                'where its id is not known here (x-nightshift-warning says so)',
            }),
          squash: squashQuery,
        }),
      },
      responses: {
        200: {
          description: 'the file',
          content: {
            ...text('application/x-ndjson'),
            ...text('text/tab-separated-values'),
            ...text('text/csv'),
            ...text('application/x-git-fast-import'),
            ...text('application/mbox'),
          },
        },
        ...problems('not_found', 'illegal_state'),
      },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      const { format, squash } = c.req.valid('query');
      if (format === 'branch' || format === 'patch') {
        const { body, headers } = await exportBranch(deps.db, run, format, squash === 'true');
        for (const [name, value] of Object.entries(headers)) c.header(name, value);
        return notJson(c.body(body));
      }
      if (format === 'chat') {
        const { records, warnings } = exportChat(await loadChatCalls(deps.db, run), {
          menuKnobs: Object.keys(run.spec.menu?.knobs ?? {}).length,
        });
        c.header('content-type', 'application/x-ndjson; charset=utf-8');
        if (measurementOf(run.spec) === 'unsealed') warnings.push(UNSEALED_WARNING);
        // For whoever would train on it: what the corpus would teach, said where a client can see it without reading the file.
        for (const warning of warnings) c.header('x-nightshift-warning', warning, { append: true });
        c.header('content-disposition', `attachment; filename="${run.id}.chat.jsonl"`);
        return notJson(c.body(writeChat(records)));
      }
      const type = { jsonl: 'application/x-ndjson', tsv: 'text/tab-separated-values', csv: 'text/csv' }[format];
      c.header('content-type', `${type}; charset=utf-8`);
      c.header('content-disposition', `attachment; filename="${run.id}.${format}"`);
      const named = format === 'tsv' ? await commitsOf(deps.db, run) : null;
      if (named?.warning) c.header('x-nightshift-warning', named.warning);
      const options = { commitOf: (iteration: number) => named?.ids.get(iteration)?.slice(0, 7) };
      return notJson(c.body(exportTrajectory(await loadTrajectory(deps.db, run), format, options)));
    },
  );
  return app;
}
