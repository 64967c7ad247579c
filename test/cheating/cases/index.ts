import type { Cheat } from '../case.js';
import { code } from './code.js';
import { data } from './data.js';
import { results } from './results.js';
import { rules } from './rules.js';

export const cheats: Cheat[] = [...results, ...code, ...data, ...rules];
