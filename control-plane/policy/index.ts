export { gate, type GateContext } from './gate.js';
export type { MeasuredLookup, RepeatRule } from './rail-repeat.js';
export { MAX_ANSWER_BYTES, MAX_REASON_CHARS } from './rail-schema.js';
export { benchPolicy, type BenchOptions, type BenchResult } from './bench.js';
export type { BenchFailure } from './score-verdicts.js';
export { parseBenchCases, type BenchCase } from './bench-cases.js';
