import { describe, expect, test } from 'vitest';
import { AppError } from './errors.js';
import { parseSpec } from './spec.js';

const spec = (screen: unknown, budget = '300s') => ({
  name: 'screened',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize' },
  job: { train: 'true', budget },
  menu: { knobs: { x: { type: 'int', range: [0, 9], default: 0 } } },
  fidelity: { screen },
});
function wrong(screen: unknown, budget?: string): Record<string, string> {
  try {
    parseSpec(spec(screen, budget));
  } catch (error) {
    if (error instanceof AppError) return Object.fromEntries((error.errors ?? []).map((e) => [e.path, e.message]));
    throw error;
  }
  return {};
}

describe('fidelity.screen', () => {
  test('is off unless asked for, and has defaults for all but its budget', () => {
    expect(parseSpec({ ...spec({}), fidelity: undefined }).fidelity).toEqual({ earlyStop: null, screen: null });
    expect(parseSpec(spec({ budget: '60s' })).fidelity.screen).toEqual({ budgetMs: 60_000, margin: 0, after: 5 });
    expect(parseSpec(spec({ budget: '30s', margin: 0.02, after: 8 })).fidelity.screen).toEqual({
      budgetMs: 30_000,
      margin: 0.02,
      after: 8,
    });
  });

  test('says where and why a budget makes no sense', () => {
    const path = 'fidelity.screen.budget';
    expect(wrong({})).toHaveProperty([path]);
    expect(wrong({ budget: '0s' })[path]).toMatch(/more than 0 and at most half of job\.budget \(300s\)/);
    expect(wrong({ budget: '151s' })[path]).toMatch(/at most half of job\.budget \(300s\)/);
    expect(wrong({ budget: '150s' })).toEqual({});
  });

  test('learns from five candidates at least, and knows a key that is misspelt', () => {
    expect(wrong({ budget: '60s', after: 4 })).toHaveProperty(['fidelity.screen.after']);
    expect(JSON.stringify(wrong({ budget: '60s', marign: 0.1 }))).toContain('margin');
  });
});
