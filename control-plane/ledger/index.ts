export { buildLedger, filesBefore, lineTo } from './build-ledger.js';
export { numbersText } from './commit-message.js';
export { importStream } from './import-stream.js';
export { branchOf, type KeptIteration, type Ledger, type LedgerCommit, type LedgerInput } from './ledger.js';
export { mailSeries } from './mail-series.js';
export { squash, type Squashed } from './squash.js';
export { pullRequest, type Evidence } from './pull-request.js';
