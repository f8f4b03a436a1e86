/**
 * What a condition such as `age >= 18 and country in ('DE','AT')` is made of, once it has been read. Plain data but for
 * compiled patterns. The language is described in docs/expressions.md; nothing here is ever handed to the JavaScript engine as code.
 */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Condition[] }
  | { readonly kind: 'not'; readonly term: Condition }
  | { readonly kind: 'compare'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'in'; readonly field: Field; readonly values: readonly Literal[] }
  | { readonly kind: 'exists'; readonly field: Field }
  | { readonly kind: 'contains'; readonly field: Field; readonly text: string }
  | { readonly kind: 'matches'; readonly field: Field; readonly test: (text: string) => boolean };

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

export type Operand = Field | Literal;

export interface Literal {
  readonly kind: 'literal';
  readonly value: string | number | boolean | null;
}

/** A column's name, or the way into a JSON value: names and positions in lists. */
export interface Field {
  readonly kind: 'field';
  readonly path: readonly [string, ...(string | number)[]];
}

/** Characters of a condition. What stands in a batch input is short; what is longer is a list that belongs elsewhere. */
export const MAX_CONDITION = 4_096;
/** Parentheses and `not` inside each other: the closures nest as deep, and so does the stack. */
export const MAX_DEPTH = 64;

export const KEYWORDS: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'in',
  'exists',
  'contains',
  'matches',
  'true',
  'false',
  'null',
]);

/** Every field that a condition reads, in its order, doubles included. */
export function fieldsOf(condition: Condition): Field[] {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return condition.terms.flatMap(fieldsOf);
    case 'not':
      return fieldsOf(condition.term);
    case 'compare':
      return [condition.left, condition.right].filter((operand) => operand.kind === 'field');
    default:
      return [condition.field];
  }
}

/** As a user would write it: `a.b[0]`. */
export function fieldText({ path }: Field): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
