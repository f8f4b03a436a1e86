import { order, type Rule, type Value } from './compare.ts';
import type { Condition, Field, Literal, Operand, Operator } from './syntax.ts';

/**
 * A condition into one closure, made once and called for each row: no `eval`, no code from text. How a field is read is
 * the format's own business; what comparisons mean is decided here and in compare.ts, for all formats alike.
 */
export type Test<Row> = (row: Row) => boolean;

export interface Fields<Row> {
  readonly rule: Rule;
  /** The value of a field; undefined where the row has none. */
  read(field: Field): (row: Row) => Value;
  exists(field: Field): Test<Row>;
  /** Shortcuts that must say what `order` would, without making a string of the field. */
  equalsText?(field: Field, text: string): Test<Row>;
  readNumber?(field: Field): (row: Row) => number;
}

/** @throws whatever `fields.read` throws for a field that there cannot be; the test itself never throws */
export function compileCondition<Row>(condition: Condition, fields: Fields<Row>): Test<Row> {
  switch (condition.kind) {
    case 'and':
      return all(condition.terms.map((term) => compileCondition(term, fields)));
    case 'or':
      return any(condition.terms.map((term) => compileCondition(term, fields)));
    case 'not': {
      const term = compileCondition(condition.term, fields);
      return (row) => !term(row);
    }
    case 'compare':
      return compileComparison(condition.operator, condition.left, condition.right, fields);
    case 'in':
      return compileIn(condition.field, condition.values, fields);
    case 'exists':
      return fields.exists(condition.field);
    case 'contains':
      return compileContains(condition.field, condition.text, fields);
    case 'matches': {
      const read = fields.read(condition.field);
      const { test } = condition;
      return (row) => {
        const value = read(row);
        return typeof value === 'string' && test(value);
      };
    }
  }
}

function all<Row>(tests: readonly Test<Row>[]): Test<Row> {
  const [first, second] = tests;
  if (first && second && tests.length === 2) return (row) => first(row) && second(row);
  return (row) => tests.every((test) => test(row));
}

function any<Row>(tests: readonly Test<Row>[]): Test<Row> {
  const [first, second] = tests;
  if (first && second && tests.length === 2) return (row) => first(row) || second(row);
  return (row) => tests.some((test) => test(row));
}

const MIRRORED: Readonly<Record<Operator, Operator>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

function compileComparison<Row>(operator: Operator, left: Operand, right: Operand, fields: Fields<Row>): Test<Row> {
  if (left.kind === 'literal' && right.kind === 'field') {
    return compileComparison(MIRRORED[operator], right, left, fields);
  }
  if (left.kind === 'field' && right.kind === 'literal') {
    const shortcut = compileShortcut(operator, left, right.value, fields);
    if (shortcut) return shortcut;
  }
  const areFields = left.kind === 'field' && right.kind === 'field';
  const readLeft = reader(left, fields);
  const readRight = reader(right, fields);
  const judge = JUDGES[operator];
  return (row) => judge(order(readLeft(row), readRight(row), fields.rule, areFields), 0);
}

/** NaN is in no order and equal to nothing, which is just what is wanted of values that do not fit each other. */
const JUDGES: Readonly<Record<Operator, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function compileShortcut<Row>(operator: Operator, field: Field, value: Literal['value'], fields: Fields<Row>) {
  if (typeof value === 'number' && fields.readNumber) {
    const read = fields.readNumber(field);
    const judge = JUDGES[operator];
    return (row: Row) => judge(read(row), value);
  }
  if (operator !== '=' && operator !== '!=') return undefined;
  const isWanted = operator === '=';
  if (typeof value === 'string' && fields.equalsText) {
    const equals = fields.equalsText(field, value);
    return (row: Row) => equals(row) === isWanted;
  }
  if (value === null || fields.rule === 'text') return undefined;
  const read = fields.read(field);
  return (row: Row) => (read(row) === value) === isWanted;
}

function compileIn<Row>(field: Field, values: readonly Literal[], fields: Fields<Row>): Test<Row> {
  const texts = new Set<unknown>(values.map(({ value }) => value).filter((value) => typeof value === 'string'));
  const others = values.filter(({ value }) => typeof value !== 'string');
  const read = fields.read(field);
  const isText: Test<Row> = (row) => texts.has(read(row));
  if (others.length === 0) return isText;
  const tests = others.map((literal) => compileComparison('=', field, literal, fields));
  return texts.size === 0 ? any(tests) : any([isText, ...tests]);
}

function compileContains<Row>(field: Field, text: string, fields: Fields<Row>): Test<Row> {
  const read = fields.read(field);
  return (row) => {
    const value = read(row);
    return (typeof value === 'string' || Array.isArray(value)) && value.includes(text);
  };
}

function reader<Row>(operand: Operand, fields: Fields<Row>): (row: Row) => Value {
  return operand.kind === 'field' ? fields.read(operand) : () => operand.value;
}
