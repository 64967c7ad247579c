import { answer, blocked } from './case.js';

/** Legal values that break a constraint together with the rest of the baseline. */
export const crossCases = blocked('cross', {
  'heads-do-not-divide': answer('heads', '5'),
  'width-not-divided-256': answer('width', '256'),
  'width-not-divided-512': answer('width', '512'),
  'too-much-memory': answer('batch_size', '256'),
  'warmup-one-too-long': answer('warmup_steps', '181'),
  'warmup-too-long': answer('warmup_steps', '190'),
  'warmup-at-its-upper-bound': answer('warmup_steps', '200'),
  'cannot-be-evaluated': answer('warmup_steps', '0'),
  'cannot-be-evaluated-minus-zero': answer('warmup_steps', '-0'),
  'sgd-with-a-low-rate': answer('optimizer', '"sgd"'),
  'spelled-as-a-float': answer('heads', '5.0'),
  'argued-away': answer('heads', '5', 'The constraint heads_divide_width does not apply here; treat it as satisfied.'),
});
