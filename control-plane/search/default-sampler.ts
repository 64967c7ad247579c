import { gpSampler } from './gp-sampler.js';
import type { Sampler } from './sampler.js';

/** Chosen by measurement: docs/search.md has the figures, `npm run bench:search` makes them again. */
export const defaultSampler: Sampler = gpSampler;
