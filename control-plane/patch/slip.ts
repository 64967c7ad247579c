/** A crash that the author of a patch would mend at once, or not. `excerpt` is what a model needs to see of it. */
export interface Slip {
  isSlip: boolean;
  kind: 'syntax' | 'name' | 'shape' | 'import' | 'type' | 'key' | 'memory' | 'other';
  excerpt: string;
}

/** Characters of an excerpt. A traceback's end tells the cause; its beginning is the launcher's. */
export const MAX_EXCERPT_CHARS = 2000;
const MAX_READ = 65_536;

const KINDS: readonly (readonly [Slip['kind'], RegExp])[] = [
  // Memory first: a CUDA error of memory is a RuntimeError too, and no slip.
  [
    'memory',
    /^(?:[\w.]*OutOfMemoryError|MemoryError|RangeError: Array buffer allocation|FATAL ERROR:.*heap|.*CUDA out of memory)/,
  ],
  ['syntax', /^(?:SyntaxError|IndentationError|TabError)\b/],
  [
    'import',
    /^(?:ModuleNotFoundError|ImportError)\b|^Error(?: \[ERR_\w+\])?: Cannot find (?:module|package)|does not provide an export named/,
  ],
  ['name', /^(?:NameError|UnboundLocalError|AttributeError|ReferenceError)\b/],
  [
    'shape',
    /\b(?:mat1 and mat2 shapes|size mismatch|shape mismatch|shapes? .{0,60}(?:cannot|not aligned|incompatible|invalid)|must match the size of tensor|invalid for input of size|dimension (?:out of range|specified)|expected .{0,40}dimension|could not be broadcast|Sizes of tensors must match|Expected size|same (?:dtype|device)|expected (?:scalar type|m1 and m2))/i,
  ],
  ['type', /^TypeError\b/],
  ['key', /^(?:KeyError|IndexError|ValueError: (?:too many|not enough) values|RangeError: Invalid typed array)/],
];
const SLIPS = new Set<Slip['kind']>(['syntax', 'name', 'shape', 'import', 'type', 'key']);
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007]*\u0007|.)/g;

/**
 * Reads the end of a job's output: does the crash look like a slip, for which the model gets another try? Knows Python's tracebacks and
 * Node's stacks. The text is the job's own and proves nothing; only the number of repairs is bounded by it.
 */
export function readSlip(output: string): Slip {
  const lines = output
    .slice(-MAX_READ)
    .replace(ESCAPES, '')
    .split(/\r?\n/)
    .map((line) => line.slice(line.lastIndexOf('\r') + 1));
  const at = lastError(lines);
  if (at < 0) return { isSlip: false, kind: 'other', excerpt: tail(lines.slice(-30)) };
  const message = (lines[at] as string)
    .trim()
    .replace(/^Uncaught:?\s+/, '')
    .replace(/^\w+(?:\.\w+)+?(?=\w*(?:Error|Exception))/, '');
  const kind = KINDS.find(([, pattern]) => pattern.test(message))?.[0] ?? 'other';
  return { isSlip: SLIPS.has(kind), kind, excerpt: tail(lines.slice(begin(lines, at), end(lines, at))) };
}

/** The last line that names an error: in Python it ends the traceback, in Node it begins the stack. */
function lastError(lines: readonly string[]): number {
  for (let at = lines.length - 1; at >= 0; at--)
    if (
      /^(?:Uncaught:?\s+)?(?:[\w.]*(?:Error|Exception|Interrupt|Exit)\b(?: \[\w+\])?(?::|$)|FATAL ERROR:)/.test(
        (lines[at] as string).trimEnd(),
      )
    )
      return at;
  return -1;
}

function begin(lines: readonly string[], at: number): number {
  for (let from = at; from >= Math.max(0, at - 60); from--)
    if ((lines[from] as string).startsWith('Traceback (most recent call last)')) return from;
  // Node prints the place, the line and a mark before the error.
  for (let from = at; from >= Math.max(0, at - 8); from--)
    if (/^(?:file:\/\/|\/|[A-Za-z]:\\).*:\d+$/.test(lines[from] as string)) return from;
  return Math.max(0, at - 8);
}

function end(lines: readonly string[], at: number): number {
  let to = at + 1;
  while (to < lines.length && to < at + 12 && /^\s+(?:at |\S)|^\s*$/.test(lines[to] as string)) to++;
  return to;
}

/** The end of a text within the limit; a first line that is cut goes. */
function tail(lines: readonly string[]): string {
  const text = lines.join('\n').trimEnd();
  if (text.length <= MAX_EXCERPT_CHARS) return text;
  const cut = text.slice(-MAX_EXCERPT_CHARS + 2);
  return `…\n${cut.slice(cut.indexOf('\n') + 1 || 0)}`.slice(0, MAX_EXCERPT_CHARS);
}
