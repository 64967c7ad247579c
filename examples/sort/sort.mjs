// The routine that is tuned. It sees items only through a tape (evaluate.mjs): compare, digit and set are what costs.

/** What the knobs are when nothing is said; the same as the defaults in nightshift.yaml. */
export const DEFAULTS = {
  algorithm: 'quick',
  cutoff: 4,
  pivot: 'middle',
  partition: 'lomuto',
  depth_limit: 16,
  detect_runs: false,
  min_run: 8,
  gallop_after: 0,
  radix_bits: 4,
  skip_shared_digits: false,
  shell_gaps: 'halving',
  heap_arity: 2,
};
const KEY_BITS = 48;

function reverse(tape, low, high) {
  for (; low < high; low++, high--) swap(tape, low, high);
}

function swap(tape, i, j) {
  const item = tape.get(i);
  tape.set(i, tape.get(j));
  tape.set(j, item);
}

/** Sorts [low, high) of which [low, from) is sorted already. */
function insertion(tape, low, high, from = low + 1) {
  for (let i = from; i < high; i++) {
    const item = tape.get(i);
    let j = i;
    for (; j > low && tape.compare(item, tape.get(j - 1)) < 0; j--) tape.set(j, tape.get(j - 1));
    if (j !== i) tape.set(j, item);
  }
}

function median(tape, a, b, c) {
  const [x, y, z] = [tape.get(a), tape.get(b), tape.get(c)];
  if (tape.compare(x, y) < 0) return tape.compare(y, z) < 0 ? b : tape.compare(x, z) < 0 ? c : a;
  return tape.compare(x, z) < 0 ? a : tape.compare(y, z) < 0 ? c : b;
}

function choosePivot(tape, low, high, rule) {
  const size = high - low;
  const middle = low + (size >> 1);
  if (rule === 'first') return low;
  if (rule === 'middle') return middle;
  if (rule === 'scattered') return low + ((Math.imul(low + 1, 2654435761) ^ Math.imul(high, 40503)) >>> 0) % size;
  if (rule === 'median3' || size < 40) return median(tape, low, middle, high - 1);
  const step = size >> 3;
  return median(
    tape,
    median(tape, low, low + step, low + 2 * step),
    median(tape, middle - step, middle, middle + step),
    median(tape, high - 1 - 2 * step, high - 1 - step, high - 1),
  );
}

/** Each returns [a, b]: what is left to sort is [low, a) and [b, high). */
const PARTITIONS = {
  lomuto(tape, low, high, pivot) {
    swap(tape, pivot, high - 1);
    const item = tape.get(high - 1);
    let store = low;
    for (let i = low; i < high - 1; i++) if (tape.compare(tape.get(i), item) < 0) swap(tape, i, store++);
    swap(tape, store, high - 1);
    return [store, store + 1];
  },
  hoare(tape, low, high, pivot) {
    const item = tape.get(pivot);
    let i = low - 1;
    let j = high;
    for (;;) {
      do i++;
      while (tape.compare(tape.get(i), item) < 0);
      do j--;
      while (tape.compare(tape.get(j), item) > 0);
      if (i >= j) break;
      swap(tape, i, j);
    }
    // With the last item as pivot everything may lie on the left side; one item less keeps the loop going.
    return j + 1 === high ? [high - 1, high - 1] : [j + 1, j + 1];
  },
  three_way(tape, low, high, pivot) {
    const item = tape.get(pivot);
    let [less, i, more] = [low, low, high];
    while (i < more) {
      const order = tape.compare(tape.get(i), item);
      if (order < 0) swap(tape, less++, i++);
      else if (order > 0) swap(tape, i, --more);
      else i++;
    }
    return [less, more];
  },
};

function quick(tape, knobs, low, high, depth) {
  const partition = PARTITIONS[knobs.partition];
  while (high - low > Math.max(1, knobs.cutoff)) {
    if (depth-- <= 0) return heap(tape, knobs, low, high);
    const [a, b] = partition(tape, low, high, choosePivot(tape, low, high, knobs.pivot));
    // The smaller side by recursion and the larger in this loop: the stack stays short on any input.
    if (a - low < high - b) {
      quick(tape, knobs, low, a, depth);
      low = b;
    } else {
      quick(tape, knobs, b, high, depth);
      high = a;
    }
  }
  insertion(tape, low, high);
}

function heap(tape, { heap_arity: arity }, low, high) {
  const sink = (start, size) => {
    const item = tape.get(low + start);
    let hole = start;
    for (;;) {
      const first = hole * arity + 1;
      if (first >= size) break;
      let largest = first;
      for (let child = first + 1; child < Math.min(first + arity, size); child++) {
        if (tape.compare(tape.get(low + child), tape.get(low + largest)) > 0) largest = child;
      }
      if (tape.compare(tape.get(low + largest), item) <= 0) break;
      tape.set(low + hole, tape.get(low + largest));
      hole = largest;
    }
    if (hole !== start) tape.set(low + hole, item);
  };
  const size = high - low;
  for (let i = Math.floor((size - 2) / arity); i >= 0; i--) sink(i, size);
  for (let end = size - 1; end > 0; end--) {
    swap(tape, low, low + end);
    sink(0, end);
  }
}

const GAPS = {
  halving: (n) => (n < 2 ? [] : [n >> 1, ...GAPS.halving(n >> 1)]),
  knuth: (n) => increasing(n, 1, (gap) => 3 * gap + 1),
  ciura: (n) => [...increasing(n, 1750, (gap) => Math.floor(2.25 * gap)), 701, 301, 132, 57, 23, 10, 4, 1],
  tokuda: (n) => increasing(n, 1, (_, k) => Math.ceil((9 * (9 / 4) ** k - 4) / 5)),
};

function increasing(limit, first, next) {
  const gaps = [];
  for (let gap = first, k = 1; gap < limit; gap = next(gap, k++)) gaps.unshift(gap);
  return gaps;
}

function shell(tape, { shell_gaps: rule }) {
  for (const gap of GAPS[rule](tape.length)) {
    for (let i = gap; i < tape.length; i++) {
      const item = tape.get(i);
      let j = i;
      for (; j >= gap && tape.compare(item, tape.get(j - gap)) < 0; j -= gap) tape.set(j, tape.get(j - gap));
      if (j !== i) tape.set(j, item);
    }
  }
}

/** Least significant digit first, a counting pass a digit. */
function radix(tape, { radix_bits: bits, skip_shared_digits: skips }) {
  let from = tape;
  let to = tape.scratch(tape.length);
  for (let shift = 0; shift < KEY_BITS; shift += bits) {
    const starts = tape.buckets(2 ** bits);
    for (let i = 0; i < tape.length; i++) starts[tape.digit(from.get(i), shift, bits)]++;
    if (skips && starts.includes(tape.length)) continue;
    let sum = 0;
    for (let bucket = 0; bucket < starts.length; bucket++) {
      const count = starts[bucket];
      starts[bucket] = sum;
      sum += count;
    }
    for (let i = 0; i < tape.length; i++) to.set(starts[tape.digit(from.get(i), shift, bits)]++, from.get(i));
    [from, to] = [to, from];
  }
  if (from !== tape) for (let i = 0; i < tape.length; i++) tape.set(i, from.get(i));
}

/** Bottom-up merging of runs: found in the input, or of min_run items; short ones are filled up by insertion. */
function merge(tape, knobs) {
  let runs = [];
  for (let low = 0; low < tape.length; ) {
    let high = low + 1;
    if (knobs.detect_runs && high < tape.length) {
      const falls = tape.compare(tape.get(high), tape.get(low)) < 0;
      for (high++; high < tape.length; high++) if (tape.compare(tape.get(high), tape.get(high - 1)) < 0 !== falls) break;
      if (falls) reverse(tape, low, high - 1);
    }
    const end = Math.min(tape.length, Math.max(high, low + knobs.min_run));
    insertion(tape, low, end, high);
    runs.push([low, end]);
    low = end;
  }
  const spare = tape.scratch(tape.length);
  while (runs.length > 1) {
    const merged = [];
    for (let i = 0; i < runs.length; i += 2) {
      const [left, right] = [runs[i], runs[i + 1]];
      if (right) mergeRuns(tape, spare, left[0], right[0], right[1], knobs.gallop_after);
      merged.push([left[0], (right ?? left)[1]]);
    }
    runs = merged;
  }
}

/** The left run is set aside and both are merged into place. After `gallopAfter` wins in a row, whole blocks are sought. */
function mergeRuns(tape, spare, low, middle, high, gallopAfter) {
  if (tape.compare(tape.get(middle - 1), tape.get(middle)) <= 0) return;
  for (let i = low; i < middle; i++) spare.set(i, tape.get(i));
  let [i, j, out, wins, lastLeft] = [low, middle, low, 0, true];
  const takes = (isLeft) => {
    wins = isLeft === lastLeft ? wins + 1 : 1;
    lastLeft = isLeft;
    tape.set(out++, isLeft ? spare.get(i++) : tape.get(j++));
  };
  while (i < middle && j < high) {
    if (gallopAfter > 0 && wins >= gallopAfter) {
      const end = lastLeft
        ? seek(i, middle, (k) => tape.compare(spare.get(k), tape.get(j)) <= 0)
        : seek(j, high, (k) => tape.compare(tape.get(k), spare.get(i)) < 0);
      const count = end - (lastLeft ? i : j);
      for (let k = 0; k < count; k++) takes(lastLeft);
      wins = 0;
      if (i >= middle || j >= high) break;
    }
    takes(tape.compare(spare.get(i), tape.get(j)) <= 0);
  }
  while (i < middle) tape.set(out++, spare.get(i++));
}

/** The first index in [low, high) for which `holds` fails, by doubling steps and then halving. */
function seek(low, high, holds) {
  let step = 1;
  while (low + step - 1 < high && holds(low + step - 1)) {
    low += step;
    step *= 2;
  }
  let end = Math.min(high, low + step - 1);
  while (low < end) {
    const middle = (low + end) >> 1;
    if (holds(middle)) low = middle + 1;
    else end = middle;
  }
  return low;
}

/** Sorts a tape in place as the knobs say. */
export function sort(tape, knobs) {
  const { algorithm } = knobs;
  if (algorithm === 'quick') quick(tape, knobs, 0, tape.length, knobs.depth_limit * Math.ceil(Math.log2(tape.length + 1)));
  else if (algorithm === 'merge') merge(tape, knobs);
  else if (algorithm === 'heap') heap(tape, knobs, 0, tape.length);
  else if (algorithm === 'shell') shell(tape, knobs);
  else if (algorithm === 'radix') radix(tape, knobs);
  else if (algorithm === 'insertion') insertion(tape, 0, tape.length);
  else throw new Error(`algorithm ${algorithm} is none of quick, merge, heap, shell, radix, insertion`);
}
