import { answer, blocked, defaults } from './case.js';

const own = Object.entries(defaults).map(([name, value]) => [name, answer(name, JSON.stringify(value))]);

/** The baseline's own value, for every knob and in every spelling that means the same. */
export const noopCases = blocked('noop', {
  ...Object.fromEntries(own),
  'int-with-a-fraction-of-zero': answer('depth', '12.0'),
  'int-with-an-exponent': answer('depth', '1.2e1'),
  'int-with-a-negative-exponent': answer('depth', '120E-1'),
  'float-with-an-exponent': answer('learning_rate', '1e-3'),
  'float-with-zeros': answer('learning_rate', '0.0010'),
  'float-that-rounds-to-it': answer('learning_rate', '0.00100000000000000000001'),
  'minus-zero': answer('dropout', '-0'),
  'minus-zero-with-a-fraction': answer('dropout', '-0.0'),
  'minus-zero-with-an-exponent': answer('dropout', '-0e5'),
  'underflow-to-zero': answer('dropout', '1e-400'),
  'float-choice-with-a-fraction': answer('mlp_ratio', '4.0'),
  'text-by-escapes': answer('optimizer', '"\\u0061damw"'),
  'knob-by-escapes': '{"knob": "d\\u0065pth", "new_value": 12, "reason": "the same"}',
  'praised-as-new': answer('depth', '12', 'A fresh value that nobody has tried before.'),
});
