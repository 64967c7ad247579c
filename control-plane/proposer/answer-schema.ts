import type { Menu } from '@nightshift/protocol';

/**
 * The JSON Schema of an answer, for servers that can hold a model to one. Only what every structured-output backend
 * knows: the knob's name is pinned, the value's bounds are left to the gate, which checks everything anyway.
 */
export function answerSchema(menu: Pick<Menu, 'knobs'>): Record<string, unknown> {
  const knobs = Object.values(menu.knobs);
  const types = [
    ...(knobs.some((knob) => knob.type === 'int' || knob.type === 'float') ? ['number'] : []),
    ...(knobs.some((knob) => knob.type === 'str') ? ['string'] : []),
    ...(knobs.some((knob) => knob.type === 'bool') ? ['boolean'] : []),
  ];
  const [only] = types;
  return {
    type: 'object',
    properties: {
      knob: { type: 'string', enum: Object.keys(menu.knobs) },
      new_value: types.length === 1 ? { type: only } : { anyOf: types.map((type) => ({ type })) },
      reason: { type: 'string' },
    },
    required: ['knob', 'new_value', 'reason'],
    additionalProperties: false,
  };
}
