import type { Decision } from '@nightshift/protocol';
import { mean } from '@nightshift/control-plane/decision/noise';
import { screen } from '@nightshift/control-plane/decision/screen';
import { whyScreeningEnds, type ScreenRecord } from '@nightshift/control-plane/decision/screen-worth';
import { seedOf } from './seed.js';
import { BUDGET_SECONDS, measureCheaply, type Shape } from './worlds.js';

export interface Screening {
  /** The cheap budget, as a share of the full one. */
  share: number;
  after: number;
  margin: number;
  /** For comparison: what one would write first, giving up whatever is worse than the incumbent at the cheap budget. */
  isNaive?: boolean;
}

/** Screening with the product's own rules over a simulated night: trains for the cheap budget, compares there, keeps the books. */
export class Screener {
  isOff = false;
  readonly #groups = new Map<string, number[]>();
  readonly #looks = new Map<string, { effect: number; bar: number }>();
  readonly #pairs: ScreenRecord[] = [];
  #spent = 0;
  #saved = 0;

  constructor(
    readonly rule: Screening,
    readonly seed: number,
    readonly truth: (key: string) => { end: number; shape: Shape },
  ) {}

  look(key: string, incumbent: string): { isOut: boolean; gpuSeconds: number } {
    if (this.isOff) return { isOut: false, gpuSeconds: 0 };
    const before = this.#spent;
    this.#measure(key);
    if (this.rule.isNaive) {
      if (!this.#groups.has(incumbent)) this.#measure(incumbent);
      const isOut = mean(this.#groups.get(key)!) > mean(this.#groups.get(incumbent)!);
      return { isOut, gpuSeconds: this.#spent - before };
    }
    for (;;) {
      const ruling = screen({
        goal: 'minimize',
        minImprovement: 0.005,
        margin: this.rule.margin,
        after: this.rule.after,
        candidate: this.#groups.get(key)!,
        comparator: this.#groups.get(incumbent) ?? [],
        groups: [...this.#groups.values()],
        pairs: this.#pairs,
        canMeasureComparator: true,
      });
      if (ruling.kind === 'measure') {
        this.#measure(incumbent);
        continue;
      }
      const { outcome, effect, bar } = ruling.screening;
      if (effect !== null && bar !== null) this.#looks.set(key, { effect, bar });
      const isOut = outcome === 'screened_out';
      if (isOut) this.#saved += BUDGET_SECONDS;
      this.#judge();
      return { isOut, gpuSeconds: this.#spent - before };
    }
  }

  decided(key: string, decision: Decision): void {
    const look = this.#looks.get(key);
    if (!look || decision.effect === null) return;
    const isKept = decision.outcome === 'keep';
    this.#pairs.push({ cheap: look.effect, full: decision.effect, isKept, looksWorse: look.effect < look.bar });
    this.#judge();
  }

  #measure(key: string): void {
    const { end, shape } = this.truth(key);
    const values = this.#groups.get(key) ?? [];
    const seed = seedOf(`${this.seed} cheap ${key} ${values.length}`);
    this.#groups.set(key, [...values, measureCheaply(end, shape, this.rule.share, seed)]);
    this.#spent += this.rule.share * BUDGET_SECONDS;
  }

  #judge(): void {
    if (this.rule.isNaive) return;
    this.isOff ||=
      whyScreeningEnds({
        pairs: this.#pairs,
        spentSeconds: this.#spent,
        savedSeconds: this.#saved,
        fullSeconds: BUDGET_SECONDS,
      }) !== null;
  }
}
