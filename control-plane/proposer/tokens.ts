import type { ModelSpec } from '@nightshift/protocol';

/** What a chat template adds around one message, at most, for the model families we know. */
const MESSAGE_UNITS = 8 * 3;

/**
 * The size of a text in thirds of a token: a digit, point or bar counts as a whole token, a comma as two thirds, any
 * other ASCII character as one third, and what lies beyond as more, since it seldom merges.
 * Several model families give every digit a token of its own, and these prompts are full of numbers, so bytes alone
 * would promise too much. docs/proposer.md has the comparison with real tokenisers. Additive over concatenation.
 */
export function tokenUnits(text: string): number {
  let units = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code >= 48 && code <= 57) || code === 46 || code === 124) units += 3;
    else if (code === 44) units += 2;
    else if (code < 0x80) units += 1;
    else if (code < 0x800) units += 2;
    else units += code >= 0xd800 && code <= 0xdfff ? 5 : 4;
  }
  return units;
}

/** An upper estimate of the tokens that chat messages take in a model's context. */
export function estimateTokens(messages: readonly { content: string }[]): number {
  return Math.ceil(messages.reduce((sum, message) => sum + MESSAGE_UNITS + tokenUnits(message.content), 0) / 3);
}

/**
 * The tokens to leave for an answer: what the spec allows, half of the context at most. A server that counts prompt
 * and answer together refuses a request that asks for more than is left.
 */
export function answerTokens(spec: Pick<ModelSpec, 'contextTokens' | 'maxTokens'>): number {
  return Math.min(spec.maxTokens, Math.floor(spec.contextTokens / 2));
}

/** The tokens a prompt may take so that the model still has room to answer. */
export function promptBudget(spec: Pick<ModelSpec, 'contextTokens' | 'maxTokens'>): number {
  return spec.contextTokens - answerTokens(spec);
}
