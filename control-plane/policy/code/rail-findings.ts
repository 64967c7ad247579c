import type { Patch } from '@nightshift/protocol';
import { sentence } from '../text.js';
import type { CodeContext, Finding } from './context.js';
import { NOTHING_HELD, type Held } from './held.js';
import { readCode, type Code } from './read-code.js';

type Placed = Finding & { path: string };
export interface Findings {
  /** In the patched files and not in the base. */
  added: Placed[];
  /** In the base and no more. */
  removed: Placed[];
}

/** What the patch brings in and takes away, over all editable files: code that moves to another file is no news. */
export function compareFindings(
  patch: Patch,
  codes: ReadonlyMap<string, Code>,
  { files, sealed, allow }: CodeContext,
): Findings {
  const touched = new Map(patch.files.map((file) => [file.path, file.after]));
  const base: Placed[] = [];
  const now: Placed[] = [];
  const held = new Map<string, Held>();
  for (const { path, content } of files) {
    const read = readCode(path, content);
    const names = 'code' in read ? read.code.held(sealed) : NOTHING_HELD;
    held.set(path, names);
    const found = 'code' in read ? read.code.findings(sealed, names).map((finding) => ({ ...finding, path })) : [];
    base.push(...found);
    if (!touched.has(path)) now.push(...found);
  }
  for (const [path, code] of codes)
    now.push(...code.findings(sealed, held.get(path) ?? NOTHING_HELD).map((finding) => ({ ...finding, path })));
  // A module that the base imports once may be imported anywhere, and a module of an editable file too.
  const own = new Set(
    [...files.map(({ path }) => path), ...touched.keys()].flatMap((path) => [
      `module ${path}`,
      `module ${path.replace(/\.py$/, '').split('/')[0]}`,
    ]),
  );
  const known = new Set([...base.map(({ key }) => key).filter((key) => key.startsWith('module ')), ...own]);
  const had = new Set(base.map(({ key }) => key));
  const isAllowed = ({ rail, allowedBy, key, free, where, isOnce }: Finding) =>
    free === 'come' ||
    free === 'both' ||
    (where !== undefined && !had.has(where)) ||
    (isOnce === true && had.has(key)) ||
    (rail === 'imports' &&
      (known.has(key) ||
        (allowedBy !== null && allow.some((name) => allowedBy === name || allowedBy.startsWith(`${name}.`)))));
  return {
    added: excess(now, base).filter((finding) => !isAllowed(finding)),
    removed: excess(base, now).filter(({ free }) => free !== 'go' && free !== 'both'),
  };
}

/** Rail `imports`: no new module, and no new primitive of network, processes, files or running text. */
export function railImports({ added }: Findings): string | null {
  return tell(
    added.find(({ rail }) => rail === 'imports'),
    'was not there before',
  );
}

/** Rail `sealed`: seed, clock, metric and evaluator are neither touched, nor replaced, nor taken away. */
export function railSealed({ added, removed }: Findings): string | null {
  return (
    tell(
      added.find(({ rail }) => rail === 'sealed'),
      'is sealed',
    ) ??
    tell(
      removed.find(({ rail }) => rail === 'sealed'),
      'is sealed and may not be taken away or moved',
    )
  );
}

/** Rail `secrets` for code that reaches for a credential. */
export function railReach({ added }: Findings): string | null {
  return tell(
    added.find(({ rail }) => rail === 'secrets'),
    'is out of reach',
  );
}

function tell(finding: Placed | undefined, why: string): string | null {
  return finding ? sentence(`${finding.path}, line ${finding.line}: ${finding.reason}; that ${why}.`) : null;
}

/** Those of `left` that `right` does not have as often. */
function excess(left: readonly Placed[], right: readonly Placed[]): Placed[] {
  const left_ = new Map<string, number>();
  for (const { rail, key } of right) left_.set(`${rail} ${key}`, (left_.get(`${rail} ${key}`) ?? 0) + 1);
  return left.filter(({ rail, key }) => {
    const id = `${rail} ${key}`;
    const count = left_.get(id) ?? 0;
    left_.set(id, count - 1);
    return count <= 0;
  });
}
