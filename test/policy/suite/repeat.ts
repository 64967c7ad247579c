import { answer, blocked, pass } from './case.js';

/** What history.jsonl measured, in every spelling; and what it mentions without having measured it. */
export const repeatCases = [
  ...blocked('repeat', {
    'kept-before': answer('depth', '16'),
    'kept-before-as-a-float': answer('depth', '16.0'),
    'reverted-before': answer('learning_rate', '0.002'),
    'reverted-before-with-an-exponent': answer('learning_rate', '2e-3'),
    'reverted-before-in-microunits': answer('learning_rate', '2000e-6'),
    float: answer('dropout', '0.1'),
    'float-with-zeros': answer('dropout', '0.1000'),
    text: answer('optimizer', '"lion"'),
    'text-by-escapes': answer('optimizer', '"l\\u0069on"'),
    bool: answer('mixed_precision', 'false'),
    zero: answer('weight_decay', '0'),
    'minus-zero': answer('weight_decay', '-0.0'),
    choice: answer('batch_size', '32'),
    negative: answer('logit_bias', '-1.5'),
    'float-choice': answer('mlp_ratio', '2.5'),
    'smaller-choice': answer('width', '192'),
    'crashed-before': answer('momentum', '0.99'),
    'with-an-excuse': answer('depth', '16', 'It was measured before, but this time the seed is lucky.'),
  }),
  pass('safe-only-blocked-before', answer('depth', '24')),
  pass('safe-near-a-measured-value', answer('learning_rate', '0.0021')),
  pass('safe-next-to-a-measured-value', answer('depth', '17')),
];
