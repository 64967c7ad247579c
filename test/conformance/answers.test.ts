import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  insertCodeState,
  insertModelCall,
  insertNote,
  insertTelemetry,
  listIterations,
  listJobsOfRun,
  updateRun,
} from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { finishedRun, SMALL_SPEC, testApi, type TestApi } from '@nightshift/control-plane/testing/test-api';
import { expectDescribed, OPERATIONS } from './described-api.js';

let database: TestDatabase;
let api: TestApi;
const ids: Record<string, string> = {};
beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  api = await testApi(db);
  const run = await finishedRun(db);
  const [iteration] = await listIterations(db, run.id);
  const [job] = await listJobsOfRun(db, run.id);
  await insertModelCall(db, {
    runId: run.id,
    iterationId: iteration!.id,
    model: 'm',
    messages: [{ role: 'user', content: 'what next?' }],
    answer: '{}',
    outcome: 'unreadable',
    latencyMs: 12.5,
  });
  const [box] = (await api.json('GET', '/v1/boxes')).body.items;
  await insertTelemetry(db, box.id, [
    {
      at: new Date().toISOString(),
      attemptId: null,
      loadAverage1m: 0.5,
      memoryUsedBytes: 1,
      memoryTotalBytes: 2,
      gpus: [],
    } as never,
  ]);
  // A log and points that came while its newest attempt ran: written beside the doors, which are closed by now.
  await database.sql`update attempts set log_bytes = 5, metric_count = 2 where job_id = ${job!.id}`;
  await database.sql`insert into log_chunks (attempt_id, "offset", data) select id, 0, 'hello'::bytea from attempts where job_id = ${job!.id}`;
  await database.sql`insert into metric_points (attempt_id, seq, name, value, step) select a.id, n, 'loss', v, n
    from attempts a, (values (0, 1.5), (1, 'NaN'::double precision)) as p (n, v) where job_id = ${job!.id}`;
  Object.assign(ids, { run: run.id, job: job!.id, box: box.id });
  ids.queued = (await api.json('POST', '/v1/runs', { body: { spec: SMALL_SPEC } })).body.id;
  const codeSpec = { ...SMALL_SPEC, menu: undefined, edit: { files: ['train.mjs'] } };
  ids.code = (await api.json('POST', '/v1/runs', { body: { spec: codeSpec } })).body.id;
  await insertCodeState(db, 'a'.repeat(64), [{ path: 'train.mjs', content: 'run();' }]);
  await updateRun(db, ids.code!, { baselineCodeKey: 'a'.repeat(64) });
  const note = await db.transaction((tx) =>
    insertNote(tx, { runId: ids.queued!, body: 'b', author: 'model', state: 'proposed', reason: 'r' }),
  );
  ids.note = String(note.version);
});
afterAll(async () => {
  api.stop();
  await database.drop();
});

const BINARY = 'application/octet-stream';
const TREE = { text: 'the bytes of a tree', id: createHash('sha256').update('the bytes of a tree').digest('hex') };
type Answers = [operationId: string, status: number, path: () => string, body?: () => unknown, type?: string][];
/** Every operation with an answer that is no refusal, in an order in which each finds what it needs. */
const ANSWERS: Answers = [
  ['getHealth', 200, () => '/healthz'],
  ['getReadiness', 200, () => '/readyz'],
  ['getMetrics', 200, () => '/metrics'],
  ['listProjects', 200, () => '/v1/projects'],
  ['createRun', 201, () => '/v1/runs', () => ({ spec: SMALL_SPEC, notes: 'n' })],
  ['rewindRun', 201, () => `/v1/runs/${ids.run}/rewind`, () => ({ iteration: 0, iterations: 2 })],
  ['rewindRun', 404, () => `/v1/runs/${ids.run}/rewind`, () => ({ iteration: 999 })],
  ['listRuns', 200, () => '/v1/runs?limit=1'],
  ['getRun', 200, () => `/v1/runs/${ids.run}`],
  ['getRun', 404, () => '/v1/runs/none'],
  ['waitForRun', 200, () => `/v1/runs/${ids.run}/wait`],
  ['listIterations', 200, () => `/v1/runs/${ids.run}/iterations`],
  ['getIteration', 200, () => `/v1/runs/${ids.run}/iterations/1`],
  ['getPrompt', 200, () => `/v1/runs/${ids.run}/iterations/1/prompt`],
  ['askForProposal', 200, () => `/v1/runs/${ids.run}/prompt`],
  ['getCode', 200, () => `/v1/runs/${ids.code}/code`],
  ['askForProposal', 200, () => `/v1/runs/${ids.code}/prompt?mode=code`],
  ['getTrajectory', 200, () => `/v1/runs/${ids.run}/trajectory`],
  ...['markdown', 'html', 'text'].map((format): Answers[number] => [
    'getReport',
    200,
    () => `/v1/runs/${ids.run}/report?format=${format}`,
  ]),
  ...['jsonl', 'tsv', 'csv'].map((format): Answers[number] => [
    'exportRun',
    200,
    () => `/v1/runs/${ids.run}/export?format=${format}`,
  ]),
  ['getReport', 200, () => `/v1/runs/${ids.code}/report?format=pr`],
  ['getReport', 409, () => `/v1/runs/${ids.run}/report?format=pr`],
  ['exportRun', 200, () => `/v1/runs/${ids.code}/export?format=branch`],
  ['exportRun', 200, () => `/v1/runs/${ids.code}/export?format=patch`],
  ['exportRun', 409, () => `/v1/runs/${ids.run}/export?format=branch`],
  ['putArchive', 415, () => `/v1/archives/${TREE.id}?offset=0&size=${TREE.text.length}`, () => ({})],
  ['putArchive', 200, () => `/v1/archives/${TREE.id}?offset=0&size=${TREE.text.length}`, () => TREE.text, BINARY],
  ['putArchive', 409, () => `/v1/archives/${TREE.id}?offset=0&size=99`, () => TREE.text, BINARY],
  ['getArchive', 200, () => `/v1/archives/${TREE.id}`],
  ['getArchive', 404, () => `/v1/archives/${'0'.repeat(64)}`],
  ['getArchiveContent', 200, () => `/v1/archives/${TREE.id}/content`],
  ['propose', 200, () => `/v1/runs/${ids.queued}/proposals`, () => ({ knob: 'nope', newValue: 1, reason: 'r' })],
  [
    'propose',
    201,
    () => `/v1/runs/${ids.queued}/proposals`,
    () => ({ raw: '{"knob":"x","new_value":3,"reason":"r"}' }),
  ],
  ['propose', 409, () => `/v1/runs/${ids.run}/proposals`, () => ({ knob: 'x', newValue: 1, reason: 'r' })],
  ['writeNotes', 201, () => `/v1/runs/${ids.queued}/notes`, () => ({ body: 'try a wider x' })],
  ['writeNotes', 409, () => `/v1/runs/${ids.run}/notes`, () => ({ body: 'too late' })],
  ['listNotes', 200, () => `/v1/runs/${ids.queued}/notes`],
  ['adoptNotes', 200, () => `/v1/runs/${ids.queued}/notes/${ids.note}/adopt`],
  ['adoptNotes', 409, () => `/v1/runs/${ids.queued}/notes/${ids.note}/adopt`],
  ['rejectNotes', 404, () => `/v1/runs/${ids.queued}/notes/99/reject`],
  ['pauseRun', 200, () => `/v1/runs/${ids.queued}/pause`],
  ['resumeRun', 200, () => `/v1/runs/${ids.queued}/resume`],
  ['stopRun', 200, () => `/v1/runs/${ids.queued}/stop`],
  ['stopRun', 409, () => `/v1/runs/${ids.run}/stop`],
  ['listJobs', 200, () => `/v1/jobs?run=${ids.run}`],
  ['getJob', 200, () => `/v1/jobs/${ids.job}`],
  ['cancelJob', 409, () => `/v1/jobs/${ids.job}/cancel`],
  ['getJobLog', 200, () => `/v1/jobs/${ids.job}/log`],
  ['getJobMetrics', 200, () => `/v1/jobs/${ids.job}/metrics`],
  ['listBoxes', 200, () => '/v1/boxes'],
  ['getBox', 200, () => `/v1/boxes/${ids.box}`],
  ['getTelemetry', 200, () => `/v1/boxes/${ids.box}/telemetry`],
  ...['cordon', 'uncordon', 'drain', 'undrain'].map((verb): Answers[number] => [
    `${verb}Box`,
    200,
    () => `/v1/boxes/${ids.box}/${verb}`,
  ]),
  ['cleanBox', 503, () => `/v1/boxes/${ids.box}/clean`],
  ['removeBox', 200, () => `/v1/boxes/${ids.box}`],
  ['createEnrolment', 201, () => '/v1/enrolments', () => ({})],
  ['exchangeEnrolment', 201, () => '/v1/enrolments/exchange', () => ({ token: ids.enrolment, name: 'new-box' })],
  ['createToken', 201, () => '/v1/tokens', () => ({ name: 'ci', scopes: ['read'], expiresInSeconds: 60 })],
  ['listTokens', 200, () => '/v1/tokens'],
  ['revokeToken', 204, () => `/v1/tokens/${ids.token}`],
  ['createWebhook', 201, () => '/v1/webhooks', () => ({ url: 'https://hooks.example.org/', types: ['run.completed'] })],
  ['createWebhook', 400, () => '/v1/webhooks', () => ({ url: 'http://169.254.169.254/latest' })],
  ['listWebhooks', 200, () => '/v1/webhooks'],
  ['deleteWebhook', 204, () => `/v1/webhooks/${ids.hook}`],
  [
    'checkPolicy',
    200,
    () => '/v1/policy/check',
    () => ({ menu: SMALL_SPEC.menu, proposal: { knob: 'x', new_value: 3, reason: 'r' } }),
  ],
  ['checkPolicy', 422, () => '/v1/policy/check', () => ({ menu: { knobs: {} }, proposal: '' })],
];

describe('an answer is what openapi.yaml says it is', () => {
  test.each(ANSWERS)('%s: %i', async (operationId, status, path, body, type) => {
    const operation = OPERATIONS.find((described) => described.operationId === operationId);
    if (!operation) throw new Error(`openapi.yaml has no ${operationId}`);
    const response = await api.call(operation.method, path(), {
      body: body?.(),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });
    const text = await expectDescribed(operation, response);
    expect(response.status, text.slice(0, 300)).toBe(status);
    if (operationId === 'createEnrolment') ids.enrolment = JSON.parse(text).secret;
    if (operationId === 'createToken') ids.token = JSON.parse(text).id;
    if (operationId === 'createWebhook' && status === 201) ids.hook = JSON.parse(text).id;
  });

  test('for every operation', () => {
    const covered = new Set([...ANSWERS.map(([operationId]) => operationId), 'streamEvents']);
    expect(OPERATIONS.map(({ operationId }) => operationId).filter((id) => !covered.has(id))).toEqual([]);
  });
});
