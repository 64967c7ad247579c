export { applyPatch } from './apply-patch.js';
export { complexityOf } from './complexity.js';
export { diffOf } from './diff-of.js';
export { hashText, treeHash } from './hash.js';
export { makePatch } from './make-patch.js';
export { parseAnswer } from './parse-answer.js';
export { weighSimplicity, type SimplicityInput, type SimplicityVerdict } from './simplicity.js';
export { readSlip, type Slip } from './slip.js';
