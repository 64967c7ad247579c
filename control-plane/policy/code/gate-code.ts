import type { CodeProposal, Rail, SourceFile } from '@nightshift/protocol';
import { applyPatch } from '../../patch/apply-patch.js';
import { treeHash } from '../../patch/hash.js';
import { applyAnswer } from '../../patch/parse-answer.js';
import { readAnswer } from '../../patch/read-answer.js';
import { sentence } from '../text.js';
import type { CodeContext } from './context.js';
import { compareFindings, railImports, railReach, railSealed } from './rail-findings.js';
import { railPaths } from './rail-paths.js';
import { railSecrets } from './rail-secrets.js';
import { railSize } from './rail-size.js';
import { railSyntax } from './rail-syntax.js';
import { readCode, type Code } from './read-code.js';

/** Bytes of a whole answer: a file of the largest size, and room for what is written around it. */
export const MAX_CODE_ANSWER_BYTES = 1_048_576;

const UNSAFE_IN_WORDS = /(?![\t\n\r])[\p{Cc}\p{Cs}]|[\u200b\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

/** Begins the reason of a patch that a defect of ours kept from being judged. */
export const UNREADABLE =
  'The patch could not be judged to its end, by a defect of Nightshift and not for what it says';

/** What the gate says of a patch. `files` are the editable files afterwards and `treeHash` is theirs. */
export type CodeVerdict =
  | { verdict: 'pass'; proposal: CodeProposal; files: SourceFile[]; treeHash: string; repeatOf: string | null }
  | { verdict: 'block'; rail: Rail; reason: string; proposal: CodeProposal | null };

/**
 * Takes an answer past the rails of code mode: schema, paths, size, syntax, imports, sealed, secrets, noop, repeat. The first that blocks
 * names itself.
 * @param raw a model's answer as text, or an object `{reason, summary?, files | diff}` that was parsed before
 * @returns a verdict for any input; it never throws. The proposal in it is null when there is no patch, or none fit to be stored. Where
 * judging it fails, which would be a defect of ours, the rail `syntax` blocks it, names the error and stops no turn.
 */
export function gateCode(raw: unknown, context: CodeContext): CodeVerdict {
  try {
    return judge(raw, context);
  } catch (error) {
    const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const reason = sentence(
      `${UNREADABLE} (${what.slice(0, 200)}). Write it with less nesting, or as a smaller change.`,
    );
    return { verdict: 'block', rail: 'syntax', reason, proposal: null };
  }
}

function judge(raw: unknown, context: CodeContext): CodeVerdict {
  const block = (rail: Rail, reason: string, proposal: CodeProposal | null = null): CodeVerdict => ({
    verdict: 'block',
    rail,
    reason,
    proposal,
  });
  if (typeof raw === 'string' && raw.length > MAX_CODE_ANSWER_BYTES)
    return block('schema', sentence(`The answer is longer than ${MAX_CODE_ANSWER_BYTES / 1024} KiB.`));
  const answer = readAnswer(raw);
  if ('problem' in answer) return block('schema', sentence(capital(answer.problem)));
  const unsafe = UNSAFE_IN_WORDS.exec(`${answer.reason}${answer.summary}`);
  if (unsafe)
    return block(
      'schema',
      sentence(`The reason holds the character ${JSON.stringify(unsafe[0])}, which does not show as text.`),
    );

  const outside = railPaths(answer.edits, context);
  if (outside !== null) return block('paths', outside);
  const applied = applyAnswer(answer, context.files);
  if ('problem' in applied) return block('schema', capital(applied.problem));
  const { patch } = applied;
  const proposal: CodeProposal = { summary: applied.summary, reason: applied.reason, patch };
  const large = railSize(patch, context);
  if (large !== null) return block('size', large);

  const before = new Map(context.files.map(({ path, content }) => [path, content]));
  const read = railSyntax(patch, before);
  // A text with half a surrogate pair or a NUL has no place in a database.
  if ('problem' in read) return block('syntax', read.problem, /[\0\p{Cs}]/u.test(patch.diff) ? null : proposal);
  const findings = compareFindings(patch, read.codes, context);
  const foreign = railImports(findings);
  if (foreign !== null) return block('imports', foreign, proposal);
  const ruler = railSealed(findings);
  if (ruler !== null) return block('sealed', ruler, proposal);
  // What holds a credential is not handed on to be kept.
  const secret = railSecrets(patch.diff, `${proposal.summary} ${proposal.reason}`) ?? railReach(findings);
  if (secret !== null) return block('secrets', secret);

  const after = applyPatch(context.files, patch);
  if ('problem' in after) return block('schema', after.problem);
  if (isSame(patch.files, read.codes, before))
    return block('noop', 'The patch changes nothing that runs: at most comments and white space differ.', proposal);
  const hash = treeHash(after.files);
  const found = context.repeat === 'allow' ? false : context.measured(hash);
  if (found === false) return pass(null);
  if (context.repeat === 'replicate') return pass(hash);
  const what = found === true ? '' : ` (${found.description})`;
  return block(
    'repeat',
    sentence(`This very code was measured already${what}. Propose something that was not.`),
    proposal,
  );

  function pass(repeatOf: string | null): CodeVerdict {
    return { verdict: 'pass', proposal, files: (after as { files: SourceFile[] }).files, treeHash: hash, repeatOf };
  }
}

function isSame(
  files: CodeProposal['patch']['files'],
  codes: ReadonlyMap<string, Code>,
  before: ReadonlyMap<string, string>,
): boolean {
  return files.every(({ path, after }) => {
    const [old, code] = [before.get(path), codes.get(path)];
    if (old === undefined || after === null || code === undefined) return false;
    const read = readCode(path, old);
    return 'code' in read && read.code.meaning === code.meaning;
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
