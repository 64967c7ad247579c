export { describeBelief } from './belief.js';
export { defaultSampler } from './default-sampler.js';
export { gpSampler } from './gp-sampler.js';
export * from './hybrid.js';
export * from './random.js';
export { randomSampler } from './random-sampler.js';
export * from './sampler.js';
export { tpeSampler } from './tpe-sampler.js';
