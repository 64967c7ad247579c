export { gateCode, MAX_CODE_ANSWER_BYTES, type CodeVerdict } from './gate-code.js';
export type { CodeContext, Sealed } from './context.js';
export { MAX_FILE_BYTES } from './rail-size.js';
export { benchCode, type CodeBenchResult, type CodeCase } from './bench-code.js';
