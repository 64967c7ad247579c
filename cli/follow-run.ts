import { setTimeout as delay } from 'node:timers/promises';
import { isTerminalIteration, type Config, type KnobValue } from '@nightshift/protocol';
import { dataOf, type Api, type Iteration, type Run } from './client.js';
import { listAll } from './list-all.js';
import { patiently, type PatienceOptions } from './patience.js';
import { runEvents, type RunEvent } from './run-events.js';

/** What happened in a run, in order, told once each. */
export type RunNews =
  | { kind: 'baseline'; values: number[] }
  /** An iteration that has been decided; `from` is the knob's value in what it was compared with, null when nothing ran. */
  | { kind: 'iteration'; iteration: Iteration; from: KnobValue | null }
  /** An answer that a rail refused, or a crash that went back to its model, within an iteration that goes on. */
  | { kind: 'refused'; iteration: number; rail: string; reason: string; isRepeat: boolean }
  | { kind: 'repair'; iteration: number; repair: number; of: number; what: string; summary: string }
  /** Nothing of it is on a box although a job waits: told when the reason is a new one. */
  | { kind: 'waiting'; why: string }
  /** A job that the infrastructure failed, and that is given out again. */
  | { kind: 'retried'; attempt: number; reason: string; detail: string }
  /** Files where the run came from are no longer what it began with and goes on with. */
  | { kind: 'source_changed'; detail: string }
  | { kind: 'guards_broken'; reasons: string[] }
  | { kind: 'outweighed'; iteration: number; knob: string; value: string; promise: number }
  /** A candidate is trained for the cheap budget first: what that says is no measurement. */
  | { kind: 'screening'; iteration: number }
  /** Cheap screening has turned itself off, and why. */
  | { kind: 'screening_off'; why: string }
  /** The search is over, and what it chose is measured anew. */
  | { kind: 'confirming'; iteration: number; measurements: number }
  | { kind: 'confirmed'; iteration: number; values: number[]; baseline: number[] }
  | { kind: 'unconfirmed'; iteration: number; why: string }
  /** Edited files that the evaluator was seen to read: a patch can speak in its place. */
  | { kind: 'evaluator_reads'; files: string[] }
  | { kind: 'steered'; what: 'paused' | 'resumed' | 'stopping' }
  | { kind: 'ended'; run: Run };

const DECIDED = new Set(
  ['kept', 'reverted', 'inconclusive', 'failed', 'blocked', 'cancelled', 'screened_out'].map(
    (word) => `iteration.${word}`,
  ),
);
const ENDED = new Set(['run.completed', 'run.stopped', 'run.failed']);

/** How often a run that is silent is asked what it waits for. Shorter costs requests for nothing, longer leaves people wondering. */
const LOOK_MS = 5_000;

/** Tells a run from its beginning and goes on until it has ended or the signal aborts. */
export async function* followRun(
  api: Api,
  runId: string,
  options: PatienceOptions & { lookMs?: number },
): AsyncGenerator<RunNews> {
  const getRun = () => dataOf(api.GET('/v1/runs/{id}', { params: { path: { id: runId } } }));
  const run = await getRun();
  let told = run.waiting;
  if (told !== null) yield { kind: 'waiting', why: told };
  const known = new Map((await listIterations(api, runId)).map((iteration) => [iteration.number, iteration]));
  const comparator = new Comparator(run);
  const baselineJobs = new Set<string>();
  const baseline: number[] = [];
  for await (const event of orSilence(runEvents(api, runId, options), options.lookMs ?? LOOK_MS, options.signal)) {
    if (event === 'silence') {
      // A control plane that is away is told of by the stream of events.
      const waiting = await getRun().then(
        (now) => now.waiting,
        () => told,
      );
      if (waiting !== null && waiting !== told) yield { kind: 'waiting', why: waiting };
      told = waiting;
      continue;
    }
    const { type, payload } = event;
    if (type === 'job.queued' && payload.role === 'baseline') baselineJobs.add(String(payload.jobId));
    if (type === 'job.succeeded' && baselineJobs.has(String(payload.jobId)) && typeof payload.metric === 'number')
      baseline.push(payload.metric);
    // Those after the first are of what the candidate is compared with.
    if (type === 'job.queued' && payload.role === 'screen' && payload.replicate === 1)
      yield { kind: 'screening', iteration: Number(payload.iteration) };
    if (type === 'run.running') yield { kind: 'baseline', values: baseline };
    if (type === 'run.paused' || type === 'run.resumed' || type === 'run.stopping')
      yield { kind: 'steered', what: type.slice(4) as 'paused' | 'resumed' | 'stopping' };
    if (type === 'run.screening_off') yield { kind: 'screening_off', why: String(payload.why) };
    if (type === 'run.confirmed') {
      const { iteration, values, baseline: before } = payload as Record<string, unknown>;
      yield { kind: 'confirmed', iteration: Number(iteration), values: numbersOf(values), baseline: numbersOf(before) };
    }
    if (type === 'run.unconfirmed')
      yield { kind: 'unconfirmed', iteration: Number(payload.iteration), why: String(payload.why) };
    if (type === 'run.confirming')
      yield {
        kind: 'confirming',
        iteration: Number(payload.iteration),
        measurements: Number(payload.measurements),
      };
    const step = stepNews(type, payload);
    if (step) yield step;
    comparator.note(type, payload);
    if (DECIDED.has(type)) {
      const number = Number(payload.iteration);
      const iteration = await patiently(() => findIteration(api, runId, number, known), options);
      if (iteration === null) return;
      const from = comparator.valueBefore(iteration);
      comparator.decided(iteration);
      yield { kind: 'iteration', iteration, from };
    }
    if (ENDED.has(type)) {
      const ended = await patiently(getRun, options);
      if (ended !== null) yield { kind: 'ended', run: ended };
      return;
    }
  }
}

/** What the items bring, with the word `silence` whenever none has come for so long. */
async function* orSilence<T>(
  items: AsyncGenerator<T>,
  afterMs: number,
  signal: AbortSignal,
): AsyncGenerator<T | 'silence'> {
  let next = items.next();
  try {
    for (;;) {
      const timer = new AbortController();
      const silence = delay(afterMs, 'silence' as const, { signal: AbortSignal.any([signal, timer.signal]) }).catch(
        () => next,
      );
      const first = await Promise.race([next, silence]);
      timer.abort();
      if (first === 'silence') yield first;
      else if (first.done) return;
      else {
        yield first.value;
        next = items.next();
      }
    }
  } finally {
    // Whoever stops reading in a silence leaves a read under way, which only the signal ends.
    next.catch(() => undefined);
    items.return(undefined).catch(() => undefined);
  }
}

function stepNews(type: RunEvent['type'], payload: RunEvent['payload']): RunNews | null {
  const iteration = Number(payload.iteration);
  const detail = typeof payload.detail === 'string' ? payload.detail : '';
  if (type === 'job.requeued')
    return { kind: 'retried', attempt: Number(payload.attempt), reason: String(payload.reason), detail };
  if (type === 'run.source' && Array.isArray(payload.evaluatorReads) && payload.evaluatorReads.length > 0)
    return { kind: 'evaluator_reads', files: payload.evaluatorReads.map(String) };
  if (type === 'run.source_changed') return { kind: 'source_changed', detail };
  if (type === 'run.guards_broken' && Array.isArray(payload.reasons))
    return { kind: 'guards_broken', reasons: payload.reasons.map(String) };
  // A proposal from outside that a rail refuses belongs to no iteration: whoever made it was told.
  if (type === 'proposal.blocked' && payload.iteration !== undefined)
    return {
      kind: 'refused',
      iteration,
      rail: String(payload.rail),
      reason: String(payload.reason),
      isRepeat: payload.isRepeat === true,
    };
  if (type === 'model.outweighed') {
    const { knob, newValue } = (payload.proposal ?? {}) as { knob?: unknown; newValue?: unknown };
    return {
      kind: 'outweighed',
      iteration,
      knob: String(knob),
      value: String(newValue),
      promise: Number(payload.promise),
    };
  }
  if (type !== 'iteration.repair') return null;
  const [repair, of] = [Number(payload.repair), Number(payload.of)];
  return { kind: 'repair', iteration, repair, of, what: String(payload.kind), summary: String(payload.summary) };
}

export function listIterations(api: Api, runId: string): Promise<Iteration[]> {
  return listAll((query) => dataOf(api.GET('/v1/runs/{id}/iterations', { params: { path: { id: runId }, query } })));
}

async function findIteration(api: Api, id: string, number: number, known: Map<number, Iteration>): Promise<Iteration> {
  const found = known.get(number);
  if (found && isTerminalIteration(found.state)) return found;
  return dataOf(api.GET('/v1/runs/{id}/iterations/{number}', { params: { path: { id, number } } }));
}

/** What each candidate was compared with: the incumbent when it was queued, or always the baseline, as the spec says. */
class Comparator {
  #incumbent: Config;
  readonly #followsKeeps: boolean;
  readonly #atQueue = new Map<number, Config>();

  constructor(run: Run) {
    this.#incumbent = run.baselineConfig;
    this.#followsKeeps = (run.spec.decision as { compare?: string } | undefined)?.compare !== 'baseline';
  }

  note(type: RunEvent['type'], payload: RunEvent['payload']): void {
    if (type === 'iteration.measuring') this.#atQueue.set(Number(payload.iteration), this.#incumbent);
  }

  valueBefore({ number, proposal }: Iteration): KnobValue | null {
    return proposal === null ? null : (this.#atQueue.get(number)?.[proposal.knob] ?? null);
  }

  decided({ number, state, config }: Iteration): void {
    this.#atQueue.delete(number);
    if (state === 'kept' && config !== null && this.#followsKeeps) this.#incumbent = config;
  }
}

function numbersOf(input: unknown): number[] {
  return Array.isArray(input) ? input.filter((value): value is number => typeof value === 'number') : [];
}
