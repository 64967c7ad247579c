export { checkMetric, type MetricCheck } from './check-metric.js';
export { decide, type DecideInput, type Ruling } from './decide.js';
export { noisePrior } from './evidence.js';
export { estimateNoise, type Noise } from './noise.js';
export { falseKeepBudget } from './budget.js';
export { reportedBest, type MeasuredGroup, type ReportedBest } from './reported-best.js';
