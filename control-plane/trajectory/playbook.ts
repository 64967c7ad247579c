import type { HealthVerdict } from './health.js';

/** What a verdict can make the loop do. Each holds for a span of iterations and is scored when the span is over. */
export const PLAYBOOK_ACTIONS = [
  'force_untouched',
  'less_model',
  'more_temperature',
  'reflect',
  'replicate_incumbent',
  'pause',
] as const;
export type PlaybookActionKind = (typeof PLAYBOOK_ACTIONS)[number];

/** What an action is judged by, before and after. */
export interface PlaybookFacts {
  iteration: number;
  kept: number;
  uniquePairs: number;
  touched: number;
  /** Improvement of the best keep over the baseline; null while there is none. */
  improvement: number | null;
}
export interface PlaybookAction {
  kind: PlaybookActionKind;
  verdict: HealthVerdict;
  reasons: string[];
  /** The iteration after which it was taken, and the last one that it holds for. */
  from: number;
  until: number;
  before: PlaybookFacts;
  /** Set once the single deed of an action that is one (a reflection) has been taken up. */
  isTaken?: boolean;
  score: { isHelped: boolean; keeps: number; newPairs: number; newKnobs: number; gain: number | null } | null;
}
/** Plain JSON: lives in the run's row. */
export interface Playbook {
  actions: PlaybookAction[];
  /** Scored actions in a row that did not help. */
  unhelped: number;
  /** The iteration of the last step up the ladder of models. */
  ladderSince: number;
}
export const EMPTY_PLAYBOOK: Playbook = { actions: [], unhelped: 0, ladderSince: 0 };

export interface PlaybookOptions {
  hasModel: boolean;
  mayReflect: boolean;
  untouched: number;
  pauseAfter: number | null;
}

/** Iterations that an action holds for: fewer cannot show an effect through noise, more delays the next idea. */
export const ACTION_SPAN = 6;
/** How many actions the row keeps: what is older is in the events. */
const KEEP_ACTIONS = 40;

/** The order in which a verdict's remedies are tried; what was tried since the last keep comes last. */
const REMEDIES: Record<HealthVerdict, PlaybookActionKind[]> = {
  exploring: [],
  exploiting: [],
  plateaued: ['force_untouched', 'reflect', 'more_temperature', 'replicate_incumbent', 'less_model'],
  flailing: ['force_untouched', 'less_model', 'reflect', 'more_temperature'],
  blind: ['less_model'],
};

export interface PlaybookReview {
  playbook: Playbook;
  scored: PlaybookAction[];
  started: PlaybookAction | null;
}

/**
 * Scores the actions whose span is over and takes the next one that the verdict calls for. At most one action holds at a time, so
 * that a score is about one thing. An action has helped when its span brought a keep, or (for an untouched knob) a knob never tried.
 */
export function reviewPlaybook(
  playbook: Playbook,
  health: { verdict: HealthVerdict; reasons: string[] },
  facts: PlaybookFacts,
  options: PlaybookOptions,
): PlaybookReview {
  const scored: PlaybookAction[] = [];
  let { unhelped } = playbook;
  const actions = playbook.actions.map((action): PlaybookAction => {
    if (action.score !== null || facts.iteration < action.until) return action;
    const keeps = facts.kept - action.before.kept;
    const newKnobs = facts.touched - action.before.touched;
    const gain = facts.improvement === null ? null : facts.improvement - (action.before.improvement ?? 0);
    const isHelped = keeps > 0 || (action.kind === 'force_untouched' && newKnobs > 0);
    const done = {
      ...action,
      score: { isHelped, keeps, newPairs: facts.uniquePairs - action.before.uniquePairs, newKnobs, gain },
    };
    unhelped = isHelped ? 0 : unhelped + 1;
    scored.push(done);
    return done;
  });
  const next = { ...playbook, actions, unhelped };
  const isBusy = actions.some((action) => action.score === null);
  const kind = isBusy ? null : chooseRemedy(next, health.verdict, facts, options);
  if (kind === null) return { playbook: bounded(next), scored, started: null };
  const started: PlaybookAction = {
    kind,
    verdict: health.verdict,
    reasons: health.reasons.slice(0, 5),
    from: facts.iteration,
    until: facts.iteration + ACTION_SPAN,
    before: facts,
    score: null,
  };
  return { playbook: bounded({ ...next, actions: [...actions, started] }), scored, started };
}

/** The actions that hold for an iteration. */
export function activeActions(playbook: Playbook | null, iteration: number): PlaybookActionKind[] {
  return (playbook?.actions ?? [])
    .filter((action) => iteration > action.from && iteration <= action.until)
    .map((action) => action.kind);
}

function chooseRemedy(
  playbook: Playbook,
  verdict: HealthVerdict,
  facts: PlaybookFacts,
  options: PlaybookOptions,
): PlaybookActionKind | null {
  const remedies = REMEDIES[verdict].filter((kind) => isPossible(kind, options));
  if (remedies.length === 0) return null;
  if (options.pauseAfter !== null && playbook.unhelped >= options.pauseAfter) return 'pause';
  const since = playbook.actions.filter((action) => action.before.kept === facts.kept);
  const lastTried = (kind: PlaybookActionKind) => since.map((action) => action.kind).lastIndexOf(kind);
  return [...remedies].sort((a, b) => lastTried(a) - lastTried(b))[0] ?? null;
}

function isPossible(kind: PlaybookActionKind, options: PlaybookOptions): boolean {
  switch (kind) {
    case 'force_untouched':
      return options.untouched > 0;
    case 'reflect':
      return options.mayReflect;
    case 'more_temperature':
    case 'less_model':
      return options.hasModel;
    default:
      return true;
  }
}

function bounded(playbook: Playbook): Playbook {
  return { ...playbook, actions: playbook.actions.slice(-KEEP_ACTIONS) };
}
