/** Where a node stands: offsets in the text and the line (from 1). */
interface Place {
  from: number;
  to: number;
  line: number;
}

export interface Argument extends Place {
  type: 'Argument';
  /** Of `name=value`. */
  keyword: string | null;
  /** 1 for `*value`, 2 for `**value`. */
  stars: 0 | 1 | 2;
  value: Expression;
}
export interface Parameter extends Place {
  type: 'Parameter';
  name: string;
  annotation: Expression | null;
  default: Expression | null;
}
export interface Clause extends Place {
  type: 'Clause';
  target: Expression;
  iterable: Expression;
  conditions: Expression[];
}

/** An expression. Operators of every kind are `Operation`: the rails tell them apart by `operator` only. */
export type Expression = Place &
  (
    | { type: 'Name'; id: string }
    | { type: 'Attribute'; value: Expression; attribute: string }
    | { type: 'Subscript'; value: Expression; index: Expression }
    | { type: 'Call'; callee: Expression; args: Argument[] }
    | { type: 'String'; pieces: ({ text: string } | Expression)[]; isBytes: boolean }
    | { type: 'Constant'; text: string }
    | { type: 'Operation'; operator: string; operands: Expression[] }
    | { type: 'Collection'; form: 'tuple' | 'list' | 'set' | 'dict'; items: Expression[]; isBare: boolean }
    | { type: 'Comprehension'; form: string; items: Expression[]; clauses: Clause[] }
    | { type: 'Lambda'; parameters: Parameter[]; body: Expression }
    | { type: 'Walrus'; target: string; value: Expression }
  );

export interface ImportedName {
  name: string;
  as: string | null;
}
export interface Block extends Place {
  type: 'Block';
  /** if, elif, else, while, for, with, try, except, finally, match, case. */
  keyword: string;
  head: Expression[];
  /** What `for` and `with … as` bind. */
  targets: Expression[];
  /** Names that `except … as` and patterns bind. */
  binds: string[];
  body: Statement[];
}

export type Statement = Place &
  (
    | { type: 'Import'; names: ImportedName[] }
    /** `names` is null for a star. `module` has the leading dots. */
    | { type: 'From'; module: string; names: ImportedName[] | null }
    | {
        type: 'Assign';
        operator: string;
        targets: Expression[];
        annotation: Expression | null;
        value: Expression | null;
      }
    /** An expression, or return, raise, assert, del, pass, break, continue. */
    | { type: 'Simple'; keyword: string; values: Expression[] }
    | { type: 'Scope'; keyword: string; names: string[] }
    | { type: 'Compound'; blocks: Block[] }
    | {
        type: 'Definition';
        keyword: 'def' | 'class';
        name: string;
        decorators: Expression[];
        parameters: Parameter[];
        bases: Argument[];
        returns: Expression | null;
        body: Statement[];
      }
  );
