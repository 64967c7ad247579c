import { sentence } from '../text.js';

// What the issuers of credentials say theirs look like.
const KNOWN: readonly (readonly [string, RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})/],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20,}/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30,}/],
  ['an API key', /\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}/],
  ['a Slack token', /\bxox[abprs]-[A-Za-z0-9-]{10,}/],
  ['a Google key', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a JSON web token', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/],
  ['a password in a URL', /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@"']+:[^\s/@"'{}$<]{4,}@/i],
];
const NAMED =
  /\b\w*(?:password|passwd|secret|api_?key|access_?key|auth_?token|private_?key)\w*["']?\s*[:=]\s*["']([^"'\s]{12,})["']/i;

/** Rail `secrets`: no credential stands in an added line or in the reason; both are kept, shown and sent to a model. */
export function railSecrets(diff: string, words: string): string | null {
  const lines = diff.split('\n').filter((line) => line.startsWith('+') && !line.startsWith('+++ '));
  for (const text of [...lines, words]) {
    const known = KNOWN.find(([, pattern]) => pattern.test(text));
    if (known) return sentence(`the answer holds what looks like ${known[0]}; credentials do not belong in code.`);
    const value = NAMED.exec(text)?.[1];
    if (value !== undefined && entropy(value) >= 3)
      return sentence('the answer gives a name like password or key a value that looks like a credential.');
  }
  return null;
}

/** Shannon's, in bits a character: words of a language have 2 to 3 at such lengths, random ones more. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
