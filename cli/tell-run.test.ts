import { afterEach, describe, expect, it } from 'vitest';
import { connect } from './client.js';
import { tellRun } from './tell-run.js';
import { iteration, run } from './testing/iteration.js';
import { sendJson, startServer, type TestServer } from './testing/json-server.js';

describe('the telling of a run', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  async function told(events: [string, object][], spec: object = {}): Promise<string> {
    const ended = {
      ...run({ spec: { ...run().spec, ...spec } }),
      state: 'failed' as const,
      endReason: 'baseline_failed',
      endDetail: 'the baseline could not be measured: no such source',
    };
    server = await startServer((url, _request, response) => {
      if (url.pathname === '/v1/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const [at, [type, payload]] of events.entries())
          response.write(`id: 0-${at}\nevent: ${type}\ndata: ${JSON.stringify({ type, payload })}\n\n`);
        return undefined;
      }
      if (url.pathname.endsWith('/iterations')) return sendJson(response, { items: [], nextCursor: null });
      const number = /\/iterations\/(\d+)$/.exec(url.pathname)?.[1];
      return sendJson(response, number === undefined ? ended : iteration(Number(number), { state: 'cancelled' }));
    });
    let text = '';
    const say = (more: string) => void (text += more);
    const signal = new AbortController().signal;
    await tellRun(connect({ server: server.url, token: 't' }), ended, { say, complain: say, columns: 120, signal });
    return text;
  }
  const retry = (job: string, attempt: number, detail: string): [string, object] => [
    'job.requeued',
    { jobId: job, attempt, reason: 'source_unavailable', detail },
  ];

  it('says a failure that all jobs share once, and each other one', async () => {
    const text = await told([
      retry('job_1', 1, 'no such source'),
      retry('job_2', 1, 'no such source'),
      retry('job_1', 2, 'no such source'),
      retry('job_2', 2, 'no space'),
      ['run.failed', {}],
    ]);
    expect(text.split('\n')).toEqual([
      'a job is tried again after attempt 1, source_unavailable: no such source',
      'a job is tried again after attempt 2, source_unavailable: no space',
      'the run is failed: the baseline could not be measured: no such source',
      expect.stringMatching(/the project failed as it is, .* nightshift logs run_\w+ 0$/),
      '',
    ]);
  });

  it('names the cause of a failed baseline and no proposal that waited for it', async () => {
    expect(
      await told([
        ['iteration.cancelled', { iteration: 1 }],
        ['run.failed', {}],
      ]),
    ).toMatch(/^the run is failed: the baseline could not be measured: no such source\n {2}→ [^\n]*\n$/);
  });

  it('says once why the same answer was refused, and that another has the same fault', async () => {
    const refused = (isRepeat: boolean): [string, object] => [
      'proposal.blocked',
      { iteration: 4, rail: 'paths', reason: '"evaluate.mjs" is sealed.', isRepeat },
    ];
    const text = await told([refused(false), refused(true), refused(false), ['run.failed', {}]], { edit: {} });
    expect(text.split('\n').slice(1, 4)).toEqual([
      '  4  ↳ blocked by paths: "evaluate.mjs" is sealed.',
      '  4  ↳ blocked by paths again: another answer, the same fault',
      expect.stringContaining('the run is failed'),
    ]);
  });

  it('tells what was outweighed, and which guards the baseline itself breaks', async () => {
    const text = await told([
      ['run.running', {}],
      ['run.guards_broken', { reasons: ['mem_gb was not reported by the baseline'] }],
      ['model.outweighed', { iteration: 3, proposal: { knob: 'lr', newValue: 0.004 }, promise: 0.413 }],
      ['run.failed', {}],
    ]);
    expect(text).toContain(
      'warning: the baseline itself breaks a guard (mem_gb was not reported by the baseline): no change that does is kept\n',
    );
    expect(text).toContain(
      "  3  ↳ outweighed: the model's lr=0.004 promised 0.41 of what the sampler's own best does\n",
    );
  });

  it('tells a proposal that was cancelled after the baseline', async () => {
    expect(
      await told([
        ['run.running', {}],
        ['iteration.cancelled', { iteration: 1 }],
        ['run.failed', {}],
      ]),
    ).toMatch(/ 1 +sampler .*cancelled\nthe run is failed/);
  });
});
