import { chooseForgetfully, chooseSensibly } from './choose.js';
import { createCodeScript } from './code/answer-code.js';
import { readPrompt, type PromptView } from './read-prompt.js';

/**
 * How the server answers. The first group differs in what is said, the second in how the connection behaves; `code-script` answers
 * prompts for a patch of examples/byte-lm-edit with the script in code/, and others as `well-behaved` does.
 */
export const BEHAVIOURS = [
  'well-behaved',
  'fenced',
  'think',
  'think-unclosed',
  'reasoning',
  'prose',
  'malformed40',
  'repeating',
  'amnesiac',
  'truncated',
  'empty',
  'empty-with-schema',
  'status429',
  'status500',
  'status401',
  'never',
  'drip',
  'cut',
  'flood',
  'no-stream',
  'html',
  'no-json-schema',
  'guided-only',
  'completion-tokens',
  'code-script',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface Said {
  content: string;
  reasoning: string;
  finish: 'stop' | 'length';
}
export interface Refusal {
  status: number;
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}
export interface ChatRequest {
  model?: unknown;
  messages?: { role: string; content: string }[];
  stream?: unknown;
  stream_options?: { include_usage?: unknown };
  response_format?: { type?: unknown };
  [field: string]: unknown;
}

/** What a server of this kind refuses to take, before any generation; null when it takes the request. */
export function refusalOf(behaviour: Behaviour, request: ChatRequest): Refusal | null {
  const bad = (message: string, param: string | null, code: string | null = null): Refusal => ({
    status: 400,
    message,
    type: 'invalid_request_error',
    param,
    code,
  });
  if (behaviour === 'no-json-schema') {
    if (request.response_format) return bad('this backend has no structured output', null);
    if ('guided_json' in request || 'nvext' in request) return bad('extra fields are not permitted', null);
  }
  if (behaviour === 'guided-only' && request.response_format)
    return bad('response_format is not supported', 'response_format');
  if (behaviour === 'completion-tokens' && 'max_tokens' in request)
    return bad("'max_tokens' is not supported with this model", 'max_tokens', 'unsupported_parameter');
  if (behaviour === 'status401') return { ...bad('the API key is not valid', null, 'invalid_api_key'), status: 401 };
  if (behaviour === 'status429') return { ...bad('too many requests', null, 'rate_limit_exceeded'), status: 429 };
  if (behaviour === 'status500') return { ...bad('the engine died', null), status: 500, type: 'server_error' };
  return null;
}

const MALFORMED: ((knob: string, value: unknown, whole: string) => string)[] = [
  (_knob, _value, whole) => `Sure! Here is my proposal:\n${whole}\nLet me know how it goes.`,
  (_knob, _value, whole) => whole.replace(/\}$/, ',}'),
  (_knob, _value, whole) => whole.replaceAll('"', "'"),
  (_knob, _value, whole) => whole.slice(0, -2),
  (_knob, _value, whole) => `${whole}\n${whole}`,
  (knob, value) => JSON.stringify({ knob, value, reason: 'a wrong key' }),
  (knob) => `{"knob": ${JSON.stringify(knob)}, "new_value": NaN, "reason": "not a number"}`,
  (knob, value) => JSON.stringify({ knob, new_value: [value], reason: 'a list' }),
];

/** One model with a memory of its own for `repeating`; the rest is a function of the prompt and the seed. */
export function createModel(
  behaviour: Behaviour,
  random: () => number,
  own?: (text: string) => string | null,
): (request: ChatRequest) => Said {
  let first: string | null = null;
  const script = createCodeScript();
  const plain = (content: string): Said => ({ content, reasoning: '', finish: 'stop' });
  return (request) => {
    const patch = own?.(userText(request)) ?? (behaviour === 'code-script' ? script(userText(request)) : null);
    if (patch !== null) return plain(patch);
    const view = viewOf(request);
    const choice = view && (behaviour === 'amnesiac' ? chooseForgetfully(view, random) : chooseSensibly(view, random));
    if (!choice) return plain('There is nothing that I could propose.');
    const { knob, value, reason } = choice;
    const whole = JSON.stringify({ knob, new_value: value, reason });
    switch (behaviour) {
      case 'fenced':
        return plain(`\`\`\`json\n${whole}\n\`\`\``);
      case 'think':
        return plain(`<think>\nThe table has ${view.rows.length} rows. {"knob": "not this one"}\n</think>\n\n${whole}`);
      case 'think-unclosed':
        return {
          content: `<think>\nLet me go through the table row by row: ${whole}`,
          reasoning: '',
          finish: 'length',
        };
      case 'reasoning':
        return { content: whole, reasoning: `The table has ${view.rows.length} rows.`, finish: 'stop' };
      case 'prose':
        return plain(`I would change ${knob} to ${JSON.stringify(value)}, because ${reason}`);
      case 'malformed40': {
        const spoil = MALFORMED[Math.floor(random() * MALFORMED.length)];
        return plain(random() < 0.4 && spoil ? spoil(knob, value, whole) : whole);
      }
      case 'repeating':
        return plain((first ??= whole));
      case 'truncated':
        return { content: whole.slice(0, Math.floor(whole.length * 0.6)), reasoning: '', finish: 'length' };
      case 'empty':
        return plain('');
      case 'empty-with-schema':
        return plain(request.response_format ? '' : whole);
      default:
        return plain(whole);
    }
  };
}

function viewOf(request: ChatRequest): PromptView | null {
  return readPrompt(userText(request));
}

function userText(request: ChatRequest): string {
  return (request.messages ?? [])
    .filter((m) => m.role === 'user')
    .map((m) => m.content)
    .join('\n');
}
