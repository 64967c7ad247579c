// Own code and not a package: @stdlib's t distribution brings 233 packages, jstat 700 kB without types, and
// three short functions with published reference values beside them are easier to trust than either.

/** Coefficients of Lanczos' approximation of ln Γ (g = 7, 9 terms): relative error below 1e-14 for x > 0. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function lnGamma(x: number): number {
  const z = x - 1;
  let sum = LANCZOS[0] as number;
  for (let i = 1; i < LANCZOS.length; i += 1) sum += (LANCZOS[i] as number) / (z + i);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz' method; converges fast for x < (a+1)/(a+b+2). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const away = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-15) break;
  }
  return fraction;
}

/** The regularised incomplete beta function I_x(a, b) (DLMF 8.17); `y` is 1 - x, passed in so that neither end loses digits. */
function incompleteBeta(x: number, y: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const front = Math.exp(lnGamma(a + b) - lnGamma(a) - lnGamma(b) + a * Math.log(x) + b * Math.log(y));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(y, b, a)) / b;
}

/** P(T > t) of Student's t with `df` > 0 degrees of freedom (not necessarily whole); keeps its relative accuracy far out in the tail. */
export function studentTail(t: number, df: number): number {
  if (t === 0) return 0.5;
  if (t === Infinity) return 0;
  if (t === -Infinity) return 1;
  const square = t * t;
  const tail = incompleteBeta(df / (df + square), square / (df + square), df / 2, 0.5) / 2;
  return t > 0 ? tail : 1 - tail;
}

/**
 * The t with P(T > t) = `tail`, for 0 < tail < 1.
 *
 * Newton on ln P against ln t. That curve falls and is concave, so that from any start right of the root every step stays
 * right of it and comes closer; P(T > t) <= (1 + t²/df)^(-df/2) / 2 gives such a start.
 */
export function studentUpperQuantile(tail: number, df: number): number {
  if (tail >= 0.5) return tail === 0.5 ? 0 : -studentUpperQuantile(1 - tail, df);
  const lnNorm = lnGamma((df + 1) / 2) - lnGamma(df / 2) - 0.5 * Math.log(df * Math.PI);
  let t = Math.sqrt(df * Math.expm1((-2 / df) * Math.log(2 * tail)));
  for (let i = 0; i < 100; i += 1) {
    const p = studentTail(t, df);
    const density = Math.exp(lnNorm - ((df + 1) / 2) * Math.log1p((t * t) / df));
    const step = (Math.log(p / tail) * p) / (t * density);
    t *= Math.exp(step);
    if (Math.abs(step) < 1e-12) break;
  }
  return t;
}
