import { compilePattern } from './pattern.ts';
import {
  type Condition,
  type Field,
  KEYWORDS,
  type Literal,
  MAX_DEPTH,
  type Operand,
  type Operator,
} from './syntax.ts';
import { readTokens, syntaxError, type Token } from './tokens.ts';

/**
 * A condition's text into its parts, by recursive descent; `and` binds stronger than `or`. Never throws anything but
 * `BatchInvalid`, which names the position, what was expected and what stands there.
 *
 * @param where the option that holds the text, for the message
 */
export function parseCondition(source: string, where = 'where'): Condition {
  const parser = new Parser(readTokens(source, where), where);
  const condition = parser.either(0);
  parser.end('`and`, `or` or the end');
  return condition;
}

/** One field alone, as in `select`. */
export function parseField(source: string, where: string): Field {
  const parser = new Parser(readTokens(source, where), where);
  const field = parser.field();
  parser.end('`.`, `[` or the end');
  return field;
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
]);
const COMPARISON = 'one of = != < <= > >= in contains matches';

class Parser {
  readonly #tokens: readonly Token[];
  readonly #where: string;
  #at = 0;

  constructor(tokens: readonly Token[], where: string) {
    this.#tokens = tokens;
    this.#where = where;
  }

  either(depth: number): Condition {
    const terms = [this.#all(depth)];
    while (this.#takeWord('or')) terms.push(this.#all(depth));
    return oneOrAll('or', terms);
  }

  field(): Field {
    const first = this.#take();
    if (first.kind !== 'name' && (first.kind !== 'word' || isKeyword(first))) throw this.#error(first, 'a field');
    const path: [string, ...(string | number)[]] = [first.text];
    for (;;) {
      if (this.#takeSign('.')) path.push(this.#stepName());
      else if (this.#takeSign('[')) path.push(this.#stepIndex());
      else return { kind: 'field', path };
    }
  }

  end(expected: string): void {
    const token = this.#take();
    if (token.kind !== 'end') throw this.#error(token, expected);
  }

  #all(depth: number): Condition {
    const terms = [this.#negated(depth)];
    while (this.#takeWord('and')) terms.push(this.#negated(depth));
    return oneOrAll('and', terms);
  }

  #negated(depth: number): Condition {
    const token = this.#peek();
    if (depth > MAX_DEPTH) throw this.#error(token, `at most ${MAX_DEPTH} levels of parentheses and \`not\``);
    if (this.#takeWord('not')) return { kind: 'not', term: this.#negated(depth + 1) };
    if (!this.#takeSign('(')) return this.#test();
    const inner = this.either(depth + 1);
    this.#sign(')');
    return inner;
  }

  #test(): Condition {
    if (this.#takeWord('exists')) return { kind: 'exists', field: this.#argument(() => this.field()) };
    if (this.#takeWord('contains')) return this.#argument(() => this.#contains(this.#firstOfTwo()));
    if (this.#takeWord('matches')) return this.#argument(() => this.#matches(this.#firstOfTwo()));

    const left = this.#operand('a field, a value, `not`, `exists`, `contains`, `matches` or `(`');
    const operator = this.#takeOperator();
    if (operator) return { kind: 'compare', operator, left, right: this.#operand('a field or a value') };
    const isNegated = this.#takeWord('not');
    const test = this.#fieldTest(left, isNegated ? '`in`, `contains` or `matches`' : COMPARISON);
    return isNegated ? { kind: 'not', term: test } : test;
  }

  #fieldTest(left: Operand, expected: string): Condition {
    const word = this.#peek();
    if (left.kind === 'literal') throw this.#error(word, 'one of = != < <= > >= behind a value');
    if (this.#takeWord('in')) return { kind: 'in', field: left, values: this.#argument(() => this.#literals()) };
    if (this.#takeWord('contains')) return this.#contains(left);
    if (this.#takeWord('matches')) return this.#matches(left);
    throw this.#error(word, expected);
  }

  #contains(field: Field): Condition {
    const token = this.#take();
    if (token.kind !== 'text') throw this.#error(token, 'a text in quotes');
    return { kind: 'contains', field, text: token.text };
  }

  #matches(field: Field): Condition {
    const token = this.#take();
    if (token.kind !== 'text' && token.kind !== 'pattern') throw this.#error(token, 'a pattern in slashes or quotes');
    return { kind: 'matches', field, test: compilePattern(token.text, token.at, this.#where) };
  }

  #operand(expected: string): Operand {
    return this.#takeLiteral() ?? (this.#isField() ? this.field() : this.#refuse(expected));
  }

  #literals(): Literal[] {
    const values: Literal[] = [];
    do values.push(this.#takeLiteral() ?? this.#refuse('a text, a number, true, false or null'));
    while (this.#takeSign(','));
    return values;
  }

  #takeLiteral(): Literal | undefined {
    const token = this.#peek();
    if (token.kind === 'text') return this.#literal(token.text);
    if (token.kind === 'number') return this.#literal(token.value);
    if (isWord(token, 'true')) return this.#literal(true);
    if (isWord(token, 'false')) return this.#literal(false);
    if (isWord(token, 'null')) return this.#literal(null);
    return undefined;
  }

  #literal(value: Literal['value']): Literal {
    this.#at += 1;
    return { kind: 'literal', value };
  }

  #isField(): boolean {
    const token = this.#peek();
    return token.kind === 'name' || (token.kind === 'word' && !isKeyword(token));
  }

  #stepName(): string {
    const token = this.#take();
    if (token.kind !== 'name' && token.kind !== 'word') throw this.#error(token, 'a name behind `.`');
    return token.text;
  }

  #stepIndex(): number {
    const token = this.#take();
    const isIndex = token.kind === 'number' && Number.isSafeInteger(token.value) && token.value >= 0;
    if (!isIndex) throw this.#error(token, 'a position, from 0');
    this.#sign(']');
    return token.value;
  }

  /** What stands in parentheses. */
  #argument<T>(read: () => T): T {
    this.#sign('(');
    const value = read();
    this.#sign(')');
    return value;
  }

  #firstOfTwo(): Field {
    const field = this.field();
    this.#sign(',');
    return field;
  }

  #takeOperator(): Operator | undefined {
    const token = this.#peek();
    const operator = token.kind === 'sign' ? OPERATORS.get(token.text) : undefined;
    if (operator) this.#at += 1;
    return operator;
  }

  #takeWord(word: string): boolean {
    const isThere = isWord(this.#peek(), word);
    if (isThere) this.#at += 1;
    return isThere;
  }

  #takeSign(sign: string): boolean {
    const token = this.#peek();
    const isThere = token.kind === 'sign' && token.text === sign;
    if (isThere) this.#at += 1;
    return isThere;
  }

  #sign(sign: string): void {
    if (!this.#takeSign(sign)) this.#refuse(`\`${sign}\``);
  }

  #take(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  /** The last token is the end; nothing is read behind it but the end again. */
  #peek(): Token {
    const token = this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];
    return token ?? { kind: 'end', at: 1, found: 'the end' };
  }

  #refuse(expected: string): never {
    throw this.#error(this.#peek(), expected);
  }

  #error(token: Token, expected: string) {
    const hint = token.kind === 'word' && isKeyword(token) ? ` (a field of that name stands in backticks)` : '';
    return syntaxError(this.#where, token.at, expected, `${token.found}${hint}`);
  }
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'word' && token.text.toLowerCase() === word;
}

function isKeyword({ text }: { readonly text: string }): boolean {
  return KEYWORDS.has(text.toLowerCase());
}

function oneOrAll(kind: 'and' | 'or', terms: readonly Condition[]): Condition {
  const [only] = terms;
  return only !== undefined && terms.length === 1 ? only : { kind, terms };
}
