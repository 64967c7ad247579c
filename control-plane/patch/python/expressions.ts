// Long because precedence is one ladder: each rung calls the next, and reading them apart would hide the order.
import { PythonError } from './python-error.js';
import { tokenize, type Token } from './tokens.js';
import type { Argument, Clause, Expression, Parameter } from './tree.js';

const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
    'lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);
const BINARY: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%', '@'],
];
const COMPARISONS = ['<', '>', '==', '>=', '<=', '!='];
// Python's own limit is higher, but nobody writes this, and a recursive reader must end somewhere.
const MAX_DEPTH = 150;

/** Reads expressions, with the precedence of Python's grammar. @throws PythonError from every method */
export class ExpressionReader {
  protected at = 0;
  private depth = 0;

  constructor(
    protected readonly source: string,
    protected readonly tokens: readonly Token[],
  ) {}

  protected get token(): Token {
    return this.tokens[this.at] as Token;
  }

  protected is(...texts: string[]): boolean {
    const { kind, text } = this.token;
    return (kind === 'operator' || kind === 'name') && texts.includes(text);
  }

  protected take(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  protected need(text: string): void {
    if (!this.take(text)) throw this.unexpected(text);
  }

  protected unexpected(wanted?: string): PythonError {
    const { kind, text, from } = this.token;
    const found = kind === 'newline' || kind === 'end' ? 'the end of the line' : kind === 'indent' ? 'an indent' : '';
    const shown = found || (kind === 'dedent' ? 'the end of a block' : JSON.stringify(text.slice(0, 24)));
    return new PythonError(wanted ? `${shown} stands where ${wanted} is needed` : `${shown} does not fit here`, from);
  }

  protected identifier(): string {
    const { kind, text } = this.token;
    if (kind !== 'name' || KEYWORDS.has(text)) throw this.unexpected('a name');
    this.at++;
    return text;
  }

  protected place(from: Token | Expression): { from: number; to: number; line: number } {
    return { from: from.from, to: this.tokens[this.at - 1]?.to ?? from.to, line: from.line };
  }

  /** One expression or a bare tuple of them; stars are taken. */
  protected expressions(): Expression {
    const start = this.token;
    const first = this.starOr(() => this.named());
    if (!this.is(',')) return first;
    const items = [first];
    while (this.take(',') && this.startsExpression()) items.push(this.starOr(() => this.named()));
    return { type: 'Collection', form: 'tuple', items, isBare: true, ...this.place(start) };
  }

  protected yieldOrExpressions(): Expression {
    return this.is('yield') ? this.yielded() : this.expressions();
  }

  protected startsExpression(): boolean {
    const { kind, text } = this.token;
    if (kind === 'name')
      return !KEYWORDS.has(text) || ['None', 'True', 'False', 'not', 'lambda', 'await', 'yield'].includes(text);
    return kind === 'number' || kind === 'string' || this.is('(', '[', '{', '-', '+', '~', '*', '...');
  }

  private starOr(inner: () => Expression): Expression {
    const start = this.token;
    if (!this.take('*')) return inner();
    return this.operation('*_', [this.binary(0)], start);
  }

  private operation(operator: string, operands: Expression[], start: Token | Expression): Expression {
    return { type: 'Operation', operator, operands, ...this.place(start) };
  }

  protected named(): Expression {
    const start = this.token;
    const next = this.tokens[this.at + 1];
    if (start.kind === 'name' && next?.kind === 'operator' && next.text === ':=') {
      const target = this.identifier();
      this.at++;
      return { type: 'Walrus', target, value: this.expression(), ...this.place(start) };
    }
    return this.expression();
  }

  /** A conditional expression, a lambda or anything that binds closer. */
  protected expression(): Expression {
    if (++this.depth > MAX_DEPTH) throw new PythonError('nested too deeply', this.token.from);
    const start = this.token;
    let result: Expression;
    if (this.take('lambda')) {
      const parameters = this.parameters(':', false);
      this.need(':');
      result = { type: 'Lambda', parameters, body: this.expression(), ...this.place(start) };
    } else {
      result = this.or();
      if (this.take('if')) {
        const test = this.or();
        this.need('else');
        result = this.operation('if-else', [result, test, this.expression()], start);
      }
    }
    this.depth--;
    return result;
  }

  protected or(): Expression {
    return this.joined('or', () => this.joined('and', () => this.not()));
  }

  private joined(word: string, inner: () => Expression): Expression {
    const start = this.token;
    const first = inner();
    if (!this.is(word)) return first;
    const operands = [first];
    while (this.take(word)) operands.push(inner());
    return this.operation(word, operands, start);
  }

  private not(): Expression {
    const start = this.token;
    if (!this.take('not')) return this.comparison();
    if (++this.depth > MAX_DEPTH) throw new PythonError('nested too deeply', start.from);
    const operand = this.not();
    this.depth--;
    return this.operation('not', [operand], start);
  }

  private comparison(): Expression {
    const start = this.token;
    const first = this.binary(0);
    const operands = [first];
    while (this.comparator()) operands.push(this.binary(0));
    return operands.length === 1 ? first : this.operation('compare', operands, start);
  }

  private comparator(): boolean {
    if (this.is(...COMPARISONS) || this.is('in')) {
      this.at++;
      return true;
    }
    if (this.take('is')) {
      this.take('not');
      return true;
    }
    const next = this.tokens[this.at + 1];
    if (!this.is('not') || next?.text !== 'in' || next.kind !== 'name') return false;
    this.at += 2;
    return true;
  }

  protected binary(level: number): Expression {
    const operators = BINARY[level];
    if (!operators) return this.unary();
    const start = this.token;
    let left = this.binary(level + 1);
    while (this.token.kind === 'operator' && operators.includes(this.token.text)) {
      const operator = this.token.text;
      this.at++;
      left = this.operation(operator, [left, this.binary(level + 1)], start);
    }
    return left;
  }

  private unary(): Expression {
    const start = this.token;
    if (++this.depth > MAX_DEPTH) throw new PythonError('nested too deeply', start.from);
    let result: Expression;
    if (this.is('-', '+', '~')) {
      this.at++;
      result = this.operation(`${start.text}_`, [this.unary()], start);
    } else {
      result = this.take('await') ? this.operation('await', [this.primary()], start) : this.primary();
      if (this.take('**')) result = this.operation('**', [result, this.unary()], start);
    }
    this.depth--;
    return result;
  }

  private primary(): Expression {
    const start = this.token;
    let value = this.atom();
    for (;;) {
      if (this.take('.')) value = { type: 'Attribute', value, attribute: this.identifier(), ...this.place(start) };
      else if (this.is('(')) value = { type: 'Call', callee: value, args: this.args(), ...this.place(start) };
      else if (this.take('[')) {
        const index = this.slices();
        this.need(']');
        value = { type: 'Subscript', value, index, ...this.place(start) };
      } else return value;
    }
  }

  private slices(): Expression {
    const start = this.token;
    const first = this.slice();
    if (!this.is(',')) return first;
    const items = [first];
    while (this.take(',') && !this.is(']')) items.push(this.slice());
    return { type: 'Collection', form: 'tuple', items, isBare: true, ...this.place(start) };
  }

  private slice(): Expression {
    const start = this.token;
    if (this.is('*')) return this.starOr(() => this.named());
    const parts: Expression[] = [];
    if (!this.is(':')) {
      const value = this.named();
      if (!this.is(':')) return value;
      parts.push(value);
    }
    for (let colons = 0; colons < 2 && this.take(':'); colons++)
      if (!this.is(':', ',', ']')) parts.push(this.expression());
    return this.operation('slice', parts, start);
  }

  protected args(): Argument[] {
    this.need('(');
    const args: Argument[] = [];
    let sawKeyword = false;
    let sawMapping = false;
    while (!this.is(')')) {
      const start = this.token;
      const next = this.tokens[this.at + 1];
      let [keyword, stars]: [string | null, 0 | 1 | 2] = [null, 0];
      let value: Expression;
      if (this.take('**')) [stars, value, sawMapping] = [2, this.expression(), true];
      else if (this.is('*')) {
        if (sawMapping) throw this.unexpected('a keyword argument');
        this.at++;
        [stars, value] = [1, this.expression()];
      } else if (start.kind === 'name' && next?.kind === 'operator' && next.text === '=') {
        keyword = this.identifier();
        if (args.some((arg) => arg.keyword === keyword))
          throw new PythonError(`the argument ${keyword} is given twice`, start.from);
        this.at++;
        value = this.expression();
        sawKeyword = true;
      } else {
        value = this.named();
        if (this.is('for', 'async')) {
          value = {
            type: 'Comprehension',
            form: 'generator',
            items: [value],
            clauses: this.clauses(),
            ...this.place(start),
          };
          if (args.length > 0 || !this.is(')'))
            throw new PythonError('a generator needs brackets of its own', start.from);
        }
        if (sawKeyword || sawMapping) throw new PythonError('a plain argument follows a keyword argument', start.from);
      }
      args.push({ type: 'Argument', keyword, stars, value, ...this.place(start) });
      if (!this.take(',')) break;
    }
    this.need(')');
    return args;
  }

  private clauses(): Clause[] {
    const clauses: Clause[] = [];
    while (this.is('for', 'async')) {
      const start = this.token;
      this.take('async');
      this.need('for');
      const target = this.targetList();
      this.need('in');
      const iterable = this.or();
      const conditions: Expression[] = [];
      while (this.take('if')) conditions.push(this.comprehensionTest());
      clauses.push({ type: 'Clause', target, iterable, conditions, ...this.place(start) });
    }
    return clauses;
  }

  private comprehensionTest(): Expression {
    const next = this.tokens[this.at + 1];
    return next?.text === ':=' ? this.named() : this.or();
  }

  /** What stands between `for` and `in`. */
  protected targetList(): Expression {
    const start = this.token;
    const first = this.starOr(() => this.binary(0));
    const items = [first];
    let isTuple = false;
    while (this.take(',')) {
      isTuple = true;
      if (this.is('in', '=')) break;
      items.push(this.starOr(() => this.binary(0)));
    }
    const target: Expression = isTuple
      ? { type: 'Collection', form: 'tuple', items, isBare: true, ...this.place(start) }
      : first;
    this.checkTarget(target);
    return target;
  }

  /** @throws PythonError for what cannot be assigned to */
  protected checkTarget(target: Expression): void {
    if (target.type === 'Name' || target.type === 'Attribute' || target.type === 'Subscript') return;
    if (target.type === 'Operation' && target.operator === '*_')
      return this.checkTarget(target.operands[0] as Expression);
    if (target.type === 'Collection' && (target.form === 'tuple' || target.form === 'list')) {
      for (const item of target.items) this.checkTarget(item);
      return;
    }
    throw new PythonError('this cannot be assigned to', target.from);
  }

  protected yielded(): Expression {
    const start = this.token;
    this.need('yield');
    if (this.take('from')) return this.operation('yield', [this.expression()], start);
    return this.operation('yield', this.startsExpression() ? [this.expressions()] : [], start);
  }

  private atom(): Expression {
    const start = this.token;
    const { kind, text } = start;
    if (kind === 'string') return this.strings();
    if (kind === 'number' || this.is('None', 'True', 'False', '...')) {
      this.at++;
      return { type: 'Constant', text, ...this.place(start) };
    }
    if (kind === 'name') return { type: 'Name', id: this.identifier(), ...this.place(start) };
    if (this.take('(')) return this.parenthesised(start);
    if (this.take('[')) return this.bracketed(start, 'list', ']');
    if (this.take('{')) return this.braced(start);
    throw this.unexpected('a value');
  }

  private parenthesised(start: Token): Expression {
    if (this.take(')')) return { type: 'Collection', form: 'tuple', items: [], isBare: false, ...this.place(start) };
    if (this.is('yield')) {
      const value = this.yielded();
      this.need(')');
      return { ...value, ...this.place(start) };
    }
    const isStarred = this.is('*');
    const first = this.starOr(() => this.named());
    if (this.is('for', 'async')) {
      const clauses = this.clauses();
      this.need(')');
      return { type: 'Comprehension', form: 'generator', items: [first], clauses, ...this.place(start) };
    }
    if (!this.is(',')) {
      if (isStarred) throw new PythonError('a star needs a tuple around it', start.from);
      this.need(')');
      // Brackets around a name make it no walrus or tuple, but still the same value.
      return { ...first, ...(first.type === 'Name' ? this.place(start) : {}) };
    }
    const items = [first];
    while (this.take(',') && !this.is(')')) items.push(this.starOr(() => this.named()));
    this.need(')');
    return { type: 'Collection', form: 'tuple', items, isBare: false, ...this.place(start) };
  }

  private bracketed(start: Token, form: 'list' | 'set', closer: string): Expression {
    const items: Expression[] = [];
    while (!this.is(closer)) {
      items.push(this.starOr(() => this.named()));
      if (items.length === 1 && this.is('for', 'async')) {
        const clauses = this.clauses();
        this.need(closer);
        return { type: 'Comprehension', form, items, clauses, ...this.place(start) };
      }
      if (!this.take(',')) break;
    }
    this.need(closer);
    return { type: 'Collection', form, items, isBare: false, ...this.place(start) };
  }

  private braced(start: Token): Expression {
    const next = this.is('**', '}');
    if (!next) {
      // The first item decides: a colon behind it makes it a dictionary.
      const mark = this.at;
      this.starOr(() => this.named());
      const isSet = !this.is(':');
      this.at = mark;
      if (isSet) return this.bracketed(start, 'set', '}');
    }
    const items: Expression[] = [];
    while (!this.is('}')) {
      if (this.take('**')) items.push(this.operation('**_', [this.binary(0)], start));
      else {
        items.push(this.expression());
        this.need(':');
        items.push(this.expression());
        if (items.length === 2 && this.is('for', 'async')) {
          const clauses = this.clauses();
          this.need('}');
          return { type: 'Comprehension', form: 'dict', items, clauses, ...this.place(start) };
        }
      }
      if (!this.take(',')) break;
    }
    this.need('}');
    return { type: 'Collection', form: 'dict', items, isBare: false, ...this.place(start) };
  }

  /** Neighbouring literals are one string. */
  private strings(): Expression {
    const start = this.token;
    const pieces: ({ text: string } | Expression)[] = [];
    while (this.token.kind === 'string') {
      const { pieces: read, isBytes, from, line } = this.token;
      if (isBytes !== start.isBytes) throw new PythonError('bytes and text stand side by side', from);
      for (const piece of read ?? []) {
        if ('text' in piece) {
          const last = pieces.at(-1);
          if (last && 'text' in last) last.text += piece.text;
          else pieces.push({ text: piece.text });
        } else pieces.push(this.replacement(piece, line));
      }
      this.at++;
    }
    return { type: 'String', pieces, isBytes: start.isBytes === true, ...this.place(start) };
  }

  private replacement({ from, to }: { from: number; to: number }, line: number): Expression {
    const inner = new ExpressionReader(this.source, tokenize(this.source, from, to, line, true));
    inner.depth = this.depth + 1;
    if (inner.depth > MAX_DEPTH) throw new PythonError('nested too deeply', from);
    const value = inner.yieldOrExpressions();
    if (inner.token.kind !== 'end') throw inner.unexpected();
    return value;
  }

  /** Parameters of a function up to its closing text, which stays. */
  protected parameters(closer: string, canAnnotate: boolean): Parameter[] {
    const found: Parameter[] = [];
    let [sawDefault, sawStar, sawMapping] = [false, false, false];
    while (!this.is(closer)) {
      const start = this.token;
      if (sawMapping) throw this.unexpected(closer);
      if (this.take('/')) {
        if (found.length === 0 || sawStar) throw new PythonError('a / has no place here', start.from);
      } else {
        const isStar = this.take('*');
        sawMapping = !isStar && this.take('**');
        if (isStar && sawStar) throw new PythonError('a second * among the parameters', start.from);
        if (isStar) sawStar = true;
        if (isStar && this.is(',')) {
          const next = this.tokens[this.at + 1];
          if (next?.text === closer || next?.text === '**')
            throw new PythonError('a bare * needs a name behind it', start.from);
        } else {
          const name = this.identifier();
          if (found.some((parameter) => parameter.name === name))
            throw new PythonError(`the parameter ${name} is named twice`, start.from);
          const annotation = canAnnotate && this.take(':') ? this.starOr(() => this.expression()) : null;
          const value = !isStar && !sawMapping && this.take('=') ? this.expression() : null;
          if (value) sawDefault = true;
          else if (sawDefault && !sawStar && !sawMapping)
            throw new PythonError('a parameter without a default follows one with a default', start.from);
          found.push({ type: 'Parameter', name, annotation, default: value, ...this.place(start) });
        }
      }
      if (!this.take(',')) break;
    }
    return found;
  }
}
