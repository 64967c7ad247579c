import type { CodeCase, GateRail } from '@nightshift/control-plane/policy/code/bench-code';
import type { CodeContext } from '@nightshift/control-plane/policy/code/context';
export declare const python: CodeContext;
export declare const node: CodeContext;
/** An answer with one block. */
export declare function swap(path: string, search: string, replacement: string, reason?: string): string;
/** Lines at the top level of train.py, where the model stands ready. */
export declare function top(code: string): string;
/** Lines at the top level of train.mjs. */
export declare function topJs(code: string): string;
export declare function pass(id: string, raw: unknown, context?: CodeContext): CodeCase;
/** A table of answers that one rail blocks; the key says what is wrong with each. */
export declare function blocked(rail: GateRail, table: Record<string, unknown>, context?: CodeContext): CodeCase[];
