// Long because every statement of the language is here, once, in the order of its grammar.
import { ExpressionReader } from './expressions.js';
import { readPattern } from './patterns.js';
import { PythonError } from './python-error.js';
import type { Block, Expression, ImportedName, Statement } from './tree.js';

const AUGMENTED = ['+=', '-=', '*=', '/=', '//=', '%=', '@=', '&=', '|=', '^=', '>>=', '<<=', '**='];

/** Where a statement stands: some are legal only inside a function or a loop. */
interface Around {
  isFunction: boolean;
  isLoop: boolean;
}

/** Reads a module, a statement at a time. @throws PythonError from every method */
export class StatementReader extends ExpressionReader {
  module(): Statement[] {
    const statements: Statement[] = [];
    while (this.token.kind !== 'end') statements.push(...this.statement({ isFunction: false, isLoop: false }));
    return statements;
  }

  /** For patterns, which stand in a file of their own. */
  readonly reader = {
    at: () => this.token,
    next: () => this.tokens[this.at + 1],
    skip: () => void this.at++,
    is: (...texts: string[]) => this.is(...texts),
    take: (text: string) => this.take(text),
    need: (text: string) => this.need(text),
    name: () => this.identifier(),
    value: () => this.binary(4),
    fail: (wanted: string) => this.unexpected(wanted),
  };

  private statement(around: Around): Statement[] {
    const start = this.token;
    if (start.kind === 'name' || this.is('@')) {
      const next = this.tokens[this.at + 1];
      if (this.is('if', 'while', 'for', 'with', 'try')) return [this.compound(around)];
      if (this.is('def', 'class', '@') || (this.is('async') && next?.text === 'def')) return [this.definition(around)];
      if (this.is('async')) return [this.compound(around)];
      if (this.is('match') && this.isMatch()) return [this.matched(around)];
    }
    const statements = [this.simple(around)];
    while (this.take(';')) {
      if (this.token.kind === 'newline') break;
      statements.push(this.simple(around));
    }
    if (this.token.kind !== 'newline') throw this.unexpected();
    this.at++;
    return statements;
  }

  private body(around: Around): Statement[] {
    this.need(':');
    if (this.token.kind !== 'newline') {
      const statements = [this.simple(around)];
      while (this.take(';') && (this.token.kind as string) !== 'newline') statements.push(this.simple(around));
      if ((this.token.kind as string) !== 'newline') throw this.unexpected();
      this.at++;
      return statements;
    }
    this.at++;
    if ((this.token.kind as string) !== 'indent') throw this.unexpected('an indented block');
    this.at++;
    const statements: Statement[] = [];
    while ((this.token.kind as string) !== 'dedent') statements.push(...this.statement(around));
    this.at++;
    return statements;
  }

  private block(keyword: string, around: Around, parts: Partial<Block> = {}, start = this.token): Block {
    const body = this.body(around);
    return { type: 'Block', keyword, head: [], targets: [], binds: [], ...parts, body, ...this.place(start) };
  }

  private compound(around: Around): Statement {
    const start = this.token;
    const blocks: Block[] = [];
    if (this.take('async') && !this.is('for', 'with')) throw this.unexpected('def, for or with');
    const inLoop = { ...around, isLoop: true };
    if (this.take('if')) {
      blocks.push(this.block('if', around, { head: [this.named()] }, start));
      for (let at = this.token; this.take('elif'); at = this.token)
        blocks.push(this.block('elif', around, { head: [this.named()] }, at));
    } else if (this.take('while')) blocks.push(this.block('while', inLoop, { head: [this.named()] }, start));
    else if (this.take('for')) {
      const target = this.targetList();
      this.need('in');
      blocks.push(this.block('for', inLoop, { targets: [target], head: [this.expressions()] }, start));
    } else if (this.take('with')) return this.withItems(start, around);
    else return this.tried(around);
    const at = this.token;
    if (this.take('else')) blocks.push(this.block('else', around, {}, at));
    return { type: 'Compound', blocks, ...this.place(start) };
  }

  private withItems(start: typeof this.token, around: Around): Statement {
    const mark = this.at;
    const read = (closer: string | null): Partial<Block> | null => {
      const head: Expression[] = [];
      const targets: Expression[] = [];
      do {
        if (closer !== null && this.is(closer)) break;
        head.push(this.expression());
        if (this.take('as')) {
          const target = this.binary(5);
          this.checkTarget(target);
          targets.push(target);
        }
      } while (this.take(','));
      if (closer !== null && !this.take(closer)) return null;
      return this.is(':') ? { head, targets } : null;
    };
    // Brackets may hold the items, or belong to the first item.
    let parts: Partial<Block> | null = null;
    if (this.take('(')) {
      try {
        parts = read(')');
      } catch (error) {
        if (!(error instanceof PythonError)) throw error;
      }
      if (parts === null) this.at = mark;
    }
    parts ??= read(null);
    if (parts === null) throw this.unexpected(':');
    return { type: 'Compound', blocks: [this.block('with', around, parts, start)], ...this.place(start) };
  }

  private tried(around: Around): Statement {
    const start = this.token;
    this.need('try');
    const blocks = [this.block('try', around, {}, start)];
    let sawBare = false;
    for (let at = this.token; this.take('except'); at = this.token) {
      if (sawBare) throw new PythonError('an except for everything has to be the last', at.from);
      const isGroup = this.take('*');
      const head: Expression[] = [];
      const binds: string[] = [];
      if (!this.is(':')) {
        head.push(this.expressions());
        if (this.take('as')) binds.push(this.identifier());
      } else if (isGroup) throw this.unexpected('a type');
      else sawBare = true;
      blocks.push(this.block('except', around, { head, binds }, at));
    }
    let at = this.token;
    if (blocks.length > 1 && this.take('else')) blocks.push(this.block('else', around, {}, at));
    at = this.token;
    if (this.take('finally')) blocks.push(this.block('finally', around, {}, at));
    if (blocks.length === 1) throw this.unexpected('except or finally');
    return { type: 'Compound', blocks, ...this.place(start) };
  }

  /** `match` is a name too: only a line that ends in a colon with `case` below it is a statement. */
  private isMatch(): boolean {
    const mark = this.at;
    try {
      this.at++;
      this.expressions();
      const isHead = this.take(':') && this.token.kind === 'newline';
      return isHead && this.tokens[this.at + 1]?.kind === 'indent' && this.tokens[this.at + 2]?.text === 'case';
    } catch (error) {
      if (error instanceof PythonError) return false;
      throw error;
    } finally {
      this.at = mark;
    }
  }

  private matched(around: Around): Statement {
    const start = this.token;
    this.at++;
    const head = [this.expressions()];
    this.at += 3;
    const blocks: Block[] = [];
    while ((this.token.kind as string) !== 'dedent') {
      const at = this.token;
      this.need('case');
      const { binds, values } = readPattern(this.reader);
      const guard = this.take('if') ? [this.named()] : [];
      blocks.push(
        this.block('case', around, { head: [...(blocks.length === 0 ? head : []), ...values, ...guard], binds }, at),
      );
    }
    this.at++;
    return { type: 'Compound', blocks, ...this.place(start) };
  }

  private definition(around: Around): Statement {
    const start = this.token;
    const decorators: Expression[] = [];
    while (this.take('@')) {
      decorators.push(this.named());
      if (this.token.kind !== 'newline') throw this.unexpected('the end of the line');
      this.at++;
    }
    const isAsync = this.take('async');
    const keyword = !isAsync && this.take('class') ? 'class' : 'def';
    if (keyword === 'def') this.need('def');
    const name = this.identifier();
    if (this.is('[')) this.typeParameters();
    const rest = { type: 'Definition', keyword, name, decorators } as const;
    if (keyword === 'class') {
      const bases = this.is('(') ? this.args() : [];
      const body = this.body({ isFunction: false, isLoop: false });
      return { ...rest, bases, parameters: [], returns: null, body, ...this.place(start) };
    }
    this.need('(');
    const parameters = this.parameters(')', true);
    this.need(')');
    const returns = this.take('->') ? this.expressions() : null;
    const body = this.body({ isFunction: true, isLoop: false });
    void around;
    return { ...rest, bases: [], parameters, returns, body, ...this.place(start) };
  }

  private typeParameters(): void {
    this.need('[');
    while (!this.is(']')) {
      if (!this.take('*')) this.take('**');
      this.identifier();
      if (this.take(':')) this.expression();
      if (this.take('=')) this.expression();
      if (!this.take(',')) break;
    }
    this.need(']');
  }

  private simple(around: Around): Statement {
    const start = this.token;
    const end = (statement: { keyword: string; values: Expression[] }): Statement => ({
      type: 'Simple',
      ...statement,
      ...this.place(start),
    });
    const isOver = () => this.token.kind === 'newline' || this.is(';');
    if (this.take('import')) {
      const names = [this.imported(true)];
      while (this.take(',')) names.push(this.imported(true));
      return { type: 'Import', names, ...this.place(start) };
    }
    if (this.take('from')) return this.from(start);
    if (this.take('global') || this.take('nonlocal')) {
      const names = [this.identifier()];
      while (this.take(',')) names.push(this.identifier());
      return { type: 'Scope', keyword: start.text, names, ...this.place(start) };
    }
    if (this.take('pass')) return end({ keyword: 'pass', values: [] });
    if (this.is('break', 'continue')) {
      if (!around.isLoop) throw new PythonError(`${start.text} stands outside a loop`, start.from);
      this.at++;
      return end({ keyword: start.text, values: [] });
    }
    if (this.take('return')) {
      if (!around.isFunction) throw new PythonError('return stands outside a function', start.from);
      return end({ keyword: 'return', values: isOver() ? [] : [this.expressions()] });
    }
    if (this.take('raise')) {
      const values = isOver() ? [] : [this.expression()];
      if (values.length > 0 && this.take('from')) values.push(this.expression());
      return end({ keyword: 'raise', values });
    }
    if (this.take('assert')) {
      const values = [this.expression()];
      if (this.take(',')) values.push(this.expression());
      return end({ keyword: 'assert', values });
    }
    if (this.take('del')) {
      const target = this.expressions();
      this.checkTarget(target);
      return end({ keyword: 'del', values: [target] });
    }
    const alias = this.is('type') ? this.typeAlias(start) : null;
    return alias ?? this.assignment(start, end);
  }

  private typeAlias(start: typeof this.token): Statement | null {
    const [name, after] = [this.tokens[this.at + 1], this.tokens[this.at + 2]];
    if (name?.kind !== 'name' || !['=', '['].includes(after?.text ?? '')) return null;
    this.at++;
    const target: Expression = { type: 'Name', id: this.identifier(), ...this.place(name) };
    if (this.is('[')) this.typeParameters();
    this.need('=');
    return {
      type: 'Assign',
      operator: '=',
      targets: [target],
      annotation: null,
      value: this.expression(),
      ...this.place(start),
    };
  }

  private assignment(
    start: typeof this.token,
    end: (statement: { keyword: string; values: Expression[] }) => Statement,
  ): Statement {
    const first = this.yieldOrExpressions();
    const operator = this.token.kind === 'operator' ? this.token.text : '';
    if (operator === ':') {
      if (!['Name', 'Attribute', 'Subscript'].includes(first.type)) throw this.unexpected();
      this.at++;
      const annotation = this.expression();
      const value = this.take('=') ? this.yieldOrExpressions() : null;
      return { type: 'Assign', operator: '=', targets: [first], annotation, value, ...this.place(start) };
    }
    if (AUGMENTED.includes(operator)) {
      if (!['Name', 'Attribute', 'Subscript'].includes(first.type)) throw this.unexpected();
      this.at++;
      const value = this.yieldOrExpressions();
      return { type: 'Assign', operator, targets: [first], annotation: null, value, ...this.place(start) };
    }
    if (operator !== '=') return end({ keyword: 'expression', values: [first] });
    const targets: Expression[] = [];
    let value = first;
    while (this.take('=')) {
      this.checkTarget(value);
      targets.push(value);
      value = this.yieldOrExpressions();
    }
    return { type: 'Assign', operator: '=', targets, annotation: null, value, ...this.place(start) };
  }

  private from(start: typeof this.token): Statement {
    let module = '';
    while (this.is('.', '...')) {
      module += this.token.text;
      this.at++;
    }
    if (!this.is('import')) module += this.dotted();
    if (module === '') throw this.unexpected('a module');
    this.need('import');
    if (this.take('*')) return { type: 'From', module, names: null, ...this.place(start) };
    const isBracketed = this.take('(');
    const names = [this.imported(false)];
    while (this.take(',')) {
      if (isBracketed && this.is(')')) break;
      names.push(this.imported(false));
    }
    if (isBracketed) this.need(')');
    return { type: 'From', module, names, ...this.place(start) };
  }

  private imported(isDotted: boolean): ImportedName {
    const name = isDotted ? this.dotted() : this.identifier();
    return { name, as: this.take('as') ? this.identifier() : null };
  }

  private dotted(): string {
    let name = this.identifier();
    while (this.take('.')) name += `.${this.identifier()}`;
    return name;
  }
}
