import type { Goal } from '@nightshift/protocol';

/** A linear map from data to pixels. */
export function pixels(from: [number, number], to: [number, number]): (value: number) => number {
  const span = from[1] - from[0] || 1;
  return (value) => to[0] + ((value - from[0]) / span) * (to[1] - to[0]);
}

/** How far a chart may stretch for outliers: so many times its range from the best to the worst ordinary value. */
const STRETCH = 2.5;

/**
 * The range to draw. Values on the bad side beyond three interquartile ranges (Tukey's outer fence) are outliers; those that would stretch
 * the chart too far are left to be drawn at its edge, so that one diverged run does not flatten all others. The good side is never cut.
 */
export function clippedRange(values: readonly number[], goal: Goal): { low: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const fence = 3 * (at(0.75) - at(0.25));
  let low = at(0);
  let high = at(1);
  if (fence > 0) {
    const ordinary = sorted.filter((value) => value >= at(0.25) - fence && value <= at(0.75) + fence);
    const most = low + STRETCH * ((ordinary[ordinary.length - 1] ?? high) - low);
    const least = high - STRETCH * (high - (ordinary[0] ?? low));
    if (goal === 'minimize') high = sorted.findLast((value) => value <= most) ?? high;
    else low = sorted.find((value) => value >= least) ?? low;
  }
  const padding = high === low ? Math.abs(high) * 0.01 || 1 : (high - low) * 0.07;
  return { low: low - padding, high: high + padding };
}

/** Round numbers in a range, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function axisTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 10 * power;
  const ticks: number[] = [];
  const first = Math.ceil(low / step);
  // Multiplying whole numbers, not adding up steps, keeps rounding errors out of the labels.
  for (let index = first; index * step <= high && ticks.length <= 4 * count; index += 1)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

const SWATCHES: Record<string, (x: number) => string> = {
  circle: (x) => `<circle class="measured" cx="${x + 6}" cy="14" r="4"/>`,
  diamond: (x) => `<path class="kept" d="M${x + 6} 7.5l6.5 6.5l-6.5 6.5l-6.5 -6.5Z"/>`,
  line: (x) => `<path class="best" d="M${x} 14h14"/>`,
  dashes: (x) => `<line class="baseline" x1="${x}" y1="14" x2="${x + 14}" y2="14"/>`,
  cross: (x) => `<path class="failed" d="M${x + 2} 10l7 7m0 -7l-7 7"/>`,
  dash: (x) => `<path class="failed" d="M${x + 2} 14h8"/>`,
  square: (x) => `<path class="blocked" d="M${x + 3} 11h6v6h-6Z"/>`,
  triangle: (x) => `<path class="measured" d="M${x + 6} 9l6 10h-12Z"/>`,
  bar: (x) => `<rect class="bar" x="${x}" y="8" width="12" height="12"/>`,
  wonbar: (x) => `<rect class="won" x="${x}" y="8" width="12" height="12"/>`,
};

/** A row of marks and their meaning along the top of a chart; the names are our own words. */
export function legend(marks: readonly (readonly [name: string, mark: string, ...unknown[]])[], left: number): string {
  let x = left;
  return marks
    .map(([name, mark]) => {
      const item = `${SWATCHES[mark]?.(x) ?? ''}<text x="${x + 20}" y="18">${name}</text>`;
      x += 36 + name.length * 6.4;
      return item;
    })
    .join('');
}
