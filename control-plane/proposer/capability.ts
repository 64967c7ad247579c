/** How an answer's form is asked for, from the firmest to none at all. */
export const ANSWER_MODES = ['json_schema', 'guided_json', 'json_object', 'plain'] as const;
export type AnswerMode = (typeof ANSWER_MODES)[number];

/** What a server takes, learned from its refusals. Plain data: it may be kept anywhere or forgotten. */
export interface Capability {
  mode: AnswerMode;
  /** OpenAI's newer models take only the second, Ollama documents only the first. */
  tokensField: 'max_tokens' | 'max_completion_tokens';
  /** Usage in the last chunk of a stream has to be asked for; some servers refuse the option. */
  usage: boolean;
  /** Some reasoning models take no temperature. */
  temperature: boolean;
}
export type Capabilities = Record<string, Capability>;

export const FULL_CAPABILITY: Capability = {
  mode: 'json_schema',
  tokensField: 'max_tokens',
  usage: true,
  temperature: true,
};

export function capabilityKey(spec: { baseUrl: string; name: string }): string {
  return JSON.stringify([spec.baseUrl, spec.name]);
}

function lowerMode(mode: AnswerMode): AnswerMode | null {
  return ANSWER_MODES[ANSWER_MODES.indexOf(mode) + 1] ?? null;
}

function otherField(capability: Capability): Capability {
  return {
    ...capability,
    tokensField: capability.tokensField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens',
  };
}

/** Everything worth trying when a refusal does not say what it disliked: one thing less at a time, then all at once. */
function variations(from: Capability): Capability[] {
  const modes = ANSWER_MODES.slice(ANSWER_MODES.indexOf(from.mode) + 1).map((mode) => ({ ...from, mode }));
  const least: Capability = { ...from, mode: 'plain', usage: false, temperature: false };
  return [
    ...modes,
    otherField(from),
    { ...from, usage: false },
    { ...from, temperature: false },
    least,
    otherField(least),
  ];
}

/**
 * What to try after a 400 or 422, or null when nothing is left that could help.
 * @param tried every capability tried in this call, the refused one last, the one it began with first
 * @param param the request field that the server blamed, when it said so
 */
export function nextCapability(tried: readonly Capability[], param: string | null): Capability | null {
  const first = tried[0] as Capability;
  const refused = tried.at(-1) as Capability;
  const isNew = (next: Capability | null): next is Capability =>
    next !== null && !tried.some((old) => JSON.stringify(old) === JSON.stringify(next));
  if (param !== null) {
    const field = param.split(/[.[]/, 1)[0];
    let next: Capability | null = null;
    if (field === 'max_tokens' || field === 'max_completion_tokens') next = otherField(refused);
    else if (field === 'stream_options') next = { ...refused, usage: false };
    else if (field === 'temperature') next = { ...refused, temperature: false };
    else if (field === 'response_format' || field === 'guided_json' || field === 'nvext') {
      const mode = lowerMode(refused.mode);
      next = mode === null ? null : { ...refused, mode };
    }
    return isNew(next) ? next : null;
  }
  return variations(first).find(isNew) ?? null;
}

/** The fields of a chat request that differ between servers. */
export function capabilityFields(
  capability: Capability,
  request: { schema: Record<string, unknown> | null; maxTokens: number; temperature: number },
): Record<string, unknown> {
  const { schema } = request;
  return {
    [capability.tokensField]: request.maxTokens,
    ...(capability.temperature ? { temperature: request.temperature } : {}),
    ...(capability.usage ? { stream_options: { include_usage: true } } : {}),
    ...(schema === null ? {} : modeFields(capability.mode, schema)),
  };
}

function modeFields(mode: AnswerMode, schema: Record<string, unknown>): Record<string, unknown> {
  if (mode === 'json_schema')
    return { response_format: { type: 'json_schema', json_schema: { name: 'proposal', strict: true, schema } } };
  // NIM reads the first, and the second in its older versions; vLLM read the first until 0.12.
  if (mode === 'guided_json') return { guided_json: schema, nvext: { guided_json: schema } };
  if (mode === 'json_object') return { response_format: { type: 'json_object' } };
  return {};
}
