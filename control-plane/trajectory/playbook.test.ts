import { describe, expect, test } from 'vitest';
import {
  ACTION_SPAN,
  activeActions,
  EMPTY_PLAYBOOK,
  reviewPlaybook,
  type Playbook,
  type PlaybookFacts,
} from './playbook.js';

const facts = (iteration: number, more: Partial<PlaybookFacts> = {}): PlaybookFacts => ({
  iteration,
  kept: 1,
  uniquePairs: iteration,
  touched: 4,
  improvement: 0.01,
  ...more,
});
const plateaued = { verdict: 'plateaued' as const, reasons: ['no new best since iteration 3'] };
const options = { hasModel: true, mayReflect: true, untouched: 3, pauseAfter: null };

function run(verdicts: (typeof plateaued)[], from = 10): Playbook {
  let playbook = EMPTY_PLAYBOOK;
  verdicts.forEach((health, i) => ({ playbook } = reviewPlaybook(playbook, health, facts(from + i), options)));
  return playbook;
}

describe('the playbook', () => {
  test('does nothing while a run explores or exploits', () => {
    for (const verdict of ['exploring', 'exploiting'] as const)
      expect(reviewPlaybook(EMPTY_PLAYBOOK, { verdict, reasons: [] }, facts(30), options).started).toBeNull();
  });

  test('forces an untouched knob first, for a span, and only one action at a time', () => {
    const first = reviewPlaybook(EMPTY_PLAYBOOK, plateaued, facts(20), options);
    expect(first.started).toMatchObject({ kind: 'force_untouched', from: 20, until: 20 + ACTION_SPAN });
    expect(activeActions(first.playbook, 20)).toEqual([]);
    expect(activeActions(first.playbook, 21)).toEqual(['force_untouched']);
    expect(activeActions(first.playbook, 21 + ACTION_SPAN)).toEqual([]);
    expect(reviewPlaybook(first.playbook, plateaued, facts(22), options).started).toBeNull();
  });

  test('scores an action when its span is over and goes to the next remedy', () => {
    const playbook = run(Array.from({ length: ACTION_SPAN + 1 }, () => plateaued));
    expect(playbook.actions.map((a) => a.kind)).toEqual(['force_untouched', 'reflect']);
    expect(playbook.actions[0]?.score).toMatchObject({ isHelped: false, keeps: 0, newPairs: ACTION_SPAN });
    expect(playbook.unhelped).toBe(1);
  });

  test('begins again with the first remedy after a keep', () => {
    const tried = run(Array.from({ length: ACTION_SPAN + 1 }, () => plateaued));
    const after = reviewPlaybook(tried, plateaued, facts(40, { kept: 2 }), options);
    expect(after.scored[0]?.score?.isHelped).toBe(true);
    expect(after.started?.kind).toBe('force_untouched');
  });

  test('offers nothing that cannot be done', () => {
    const none = { hasModel: false, mayReflect: false, untouched: 0, pauseAfter: null };
    expect(reviewPlaybook(EMPTY_PLAYBOOK, plateaued, facts(20), none).started?.kind).toBe('replicate_incumbent');
    expect(reviewPlaybook(EMPTY_PLAYBOOK, { verdict: 'flailing', reasons: [] }, facts(20), none).started).toBeNull();
  });

  test('pauses when so many actions in a row did not help', () => {
    const started = reviewPlaybook({ ...EMPTY_PLAYBOOK, unhelped: 2 }, plateaued, facts(50), {
      ...options,
      pauseAfter: 2,
    }).started;
    expect(started?.kind).toBe('pause');
  });
});
