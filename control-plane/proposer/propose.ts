import type { BlockedTry, ModelSpec, Verdict } from '@nightshift/protocol';
import { answerSchema } from './answer-schema.js';
import { afterFailure, afterSuccess, CLOSED_BREAKER, isBreakerOpen, type BreakerState } from './breaker.js';
import { callRecord, type ModelCall } from './call-record.js';
import { callModel, type ModelAnswer, type ModelDeps, type ModelError } from './model-client.js';
import { unwrapAnswer } from './parse-answer.js';
import { buildPrompt } from './prompt.js';
import type { PromptInput } from './prompt-input.js';
import { cutText } from './quote.js';
import { promptBudget } from './tokens.js';

/** A refused answer as the ledger keeps it; the whole of it is in its call's record. */
const RAW_CHARS = 2000;

/** A call of a turn at proposing, with what the turn knows of it. */
export interface ModelCallRecord extends ModelCall {
  /** From 1 within the iteration. */
  try: number;
  estimatedTokens: number;
  /** What did not fit into the prompt. */
  cut: string[];
  startedAtMs: number;
}
export type FallbackWhy = 'blocked' | 'breaker_open' | 'prompt_too_large' | 'deadline' | ModelError;
export type ProposeResult = { blocked: BlockedTry[]; calls: ModelCallRecord[]; breaker: BreakerState } & (
  | { kind: 'accepted'; verdict: Extract<Verdict, { verdict: 'pass' }> }
  | { kind: 'fallback'; why: FallbackWhy; detail: string }
);

export interface ProposeOptions {
  spec: ModelSpec;
  /** Without a budget, what the model's context leaves. Refusals of this iteration may be there already. */
  prompt: Omit<PromptInput, 'budgetTokens'> & { budgetTokens?: number };
  gate: (raw: string) => Verdict;
  /** Refused or unreadable answers after which the turn goes to the sampler: 2 in hybrid, 3 for a model alone. */
  maxBlocked: number;
  /** Milliseconds for the whole turn, every try together. */
  deadlineMs: number;
  apiKey?: string | null;
  breaker?: BreakerState;
  /** Called after each call, before the next; a rejection ends the turn and is the caller's. */
  record?: (call: ModelCallRecord) => void | Promise<void>;
  signal?: AbortSignal;
  onToken?: (text: string) => void;
  deps?: ModelDeps & {
    /** Epoch milliseconds, for the breaker and the records. */
    wallNow?: () => number;
  };
}

/**
 * A model's turn at proposing: build the prompt, call, unwrap, gate; a refusal is told to the model and it tries
 * again. Always ends, by the deadline at the latest, and says why when the sampler has to take the turn.
 */
export async function proposeWithModel(options: ProposeOptions): Promise<ProposeResult> {
  const { spec, gate, deps = {} } = options;
  const now = deps.now ?? (() => performance.now());
  const wallNow = deps.wallNow ?? Date.now;
  const startedAt = now();
  let breaker = options.breaker ?? CLOSED_BREAKER;
  const blocked: BlockedTry[] = [];
  const calls: ModelCallRecord[] = [];
  const fallback = (why: FallbackWhy, detail: string): ProposeResult => ({
    kind: 'fallback',
    why,
    detail,
    blocked,
    calls,
    breaker,
  });
  if (isBreakerOpen(breaker, wallNow()))
    return fallback(
      'breaker_open',
      `the model is skipped until ${new Date(breaker.openUntilMs as number).toISOString()} (${breaker.lastError})`,
    );

  const budgetTokens = options.prompt.budgetTokens ?? promptBudget(spec);
  const schema = answerSchema(options.prompt.menu);
  while (blocked.length < options.maxBlocked) {
    const prompt = buildPrompt({ ...options.prompt, budgetTokens, blocked: [...options.prompt.blocked, ...blocked] });
    if (!prompt.fits)
      return fallback(
        'prompt_too_large',
        `the menu and the rules alone need ${prompt.tokens} tokens of ${budgetTokens}`,
      );
    const leftMs = options.deadlineMs - (now() - startedAt);
    if (leftMs <= 0) return fallback('deadline', `the turn's ${options.deadlineMs} ms are over`);
    const startedAtMs = wallNow();
    const answer = await callModel(
      spec,
      {
        messages: prompt.messages,
        schema,
        apiKey: options.apiKey ?? null,
        timeoutMs: leftMs,
        signal: options.signal,
        onToken: options.onToken,
      },
      deps,
    );
    const call: ModelCallRecord = {
      ...callRecord(spec, prompt.messages, answer),
      try: calls.length + 1,
      startedAtMs,
      estimatedTokens: prompt.tokens,
      cut: prompt.cut,
    };
    calls.push(call);
    if (!answer.ok) {
      if (answer.error !== 'aborted')
        breaker = afterFailure(breaker, { error: answer.error, nowMs: wallNow(), retryAfterMs: answer.retryAfterMs });
      await options.record?.(call);
      return fallback(answer.error, answer.detail);
    }
    // The server works, whatever the gate thinks of its answer: a bad proposal is no outage.
    breaker = afterSuccess();
    const verdict = judge(answer, gate);
    if (verdict.verdict === 'pass') {
      call.outcome = 'accepted';
      await options.record?.(call);
      return { kind: 'accepted', verdict, blocked, calls, breaker };
    }
    call.outcome = verdict.isUnreadable ? 'unreadable' : 'blocked';
    call.rail = verdict.rail;
    call.detail = verdict.reason;
    blocked.push({
      rail: verdict.rail,
      reason: verdict.reason,
      raw: cutText(answer.text, RAW_CHARS).text,
      proposer: 'model',
    });
    await options.record?.(call);
  }
  return fallback('blocked', `${blocked.length} answers were refused`);
}

type Blocked = Pick<Extract<Verdict, { verdict: 'block' }>, 'verdict' | 'rail' | 'reason'> & { isUnreadable: boolean };

function judge(
  answer: Extract<ModelAnswer, { ok: true }>,
  gate: ProposeOptions['gate'],
): Extract<Verdict, { verdict: 'pass' }> | Blocked {
  const cut = answer.finishReason === 'length' ? '; the answer was cut off at the token limit: answer shorter' : '';
  const inner = unwrapAnswer(answer.text, answer.reasoning);
  if (!inner.ok) return { verdict: 'block', rail: 'schema', reason: inner.detail + cut, isUnreadable: true };
  const verdict = gate(inner.text);
  if (verdict.verdict === 'pass') return verdict;
  return {
    verdict: 'block',
    rail: verdict.rail,
    reason: verdict.rail === 'schema' ? verdict.reason + cut : verdict.reason,
    isUnreadable: verdict.rail === 'schema',
  };
}
