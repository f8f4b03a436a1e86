import fc from 'fast-check';

/**
 * Conditions as random trees, how they are written, and what they mean by docs/expressions.md: a second, plain reading of
 * that page to hold the compiled one against.
 */
export type Value = string | number | boolean | null;
export type Path = readonly (string | number)[];
type Side = { readonly field: Path } | { readonly value: Value };
export type Tree =
  | { readonly is: 'and' | 'or'; readonly of: readonly Tree[] }
  | { readonly is: 'not'; readonly of: Tree }
  | { readonly is: 'compare'; readonly sign: string; readonly left: Side; readonly right: Side }
  | { readonly is: 'in'; readonly field: Path; readonly values: readonly Value[]; readonly negated: boolean }
  | { readonly is: 'exists'; readonly field: Path }
  | { readonly is: 'contains' | 'matches'; readonly field: Path; readonly text: string; readonly asCall: boolean };

const TEXTS = [
  '',
  'a',
  'A',
  'b',
  '5',
  '05',
  ' 5 ',
  '5.0',
  '1e1',
  '-1',
  'true',
  'TRUE',
  'false',
  "it's",
  'ü"\\\n',
  '0x5',
];
const NUMBERS = [5, 10, -1, 0.5, 0];
const PATTERNS = ['^a', '5$', '[a-z]+', '^\\s*\\d+\\s*$', '^$'];

export const values: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom<Value>(...TEXTS),
  fc.constantFrom<Value>(...NUMBERS),
  fc.constantFrom<Value>(true, false, null),
);
export const texts = fc.constantFrom(...TEXTS);

export function trees(fields: readonly Path[]): fc.Arbitrary<Tree> {
  const field = fc.constantFrom(...fields);
  const side: fc.Arbitrary<Side> = fc.oneof(fc.record({ field }), fc.record({ value: values }));
  const sign = fc.constantFrom('=', '==', '!=', '<', '<=', '>', '>=');
  return fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({ is: fc.constant('compare' as const), sign, left: side, right: side }),
      fc.record({ is: fc.constant('exists' as const), field }),
      fc.record({
        is: fc.constant('in' as const),
        field,
        values: fc.array(values, { minLength: 1, maxLength: 4 }),
        negated: fc.boolean(),
      }),
      fc.record({
        is: fc.constant('contains' as const),
        field,
        text: fc.constantFrom('', 'a', '5', 'u'),
        asCall: fc.boolean(),
      }),
      fc.record({
        is: fc.constant('matches' as const),
        field,
        text: fc.constantFrom(...PATTERNS),
        asCall: fc.boolean(),
      }),
      fc.record({ is: fc.constant('not' as const), of: tie('tree') }),
      fc.record({
        is: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      }),
    ),
  })).tree;
}

/** With the parentheses that the ranks of `not`, `and` and `or` ask for, and no others. */
export function print(tree: Tree): string {
  switch (tree.is) {
    case 'or':
      return tree.of.map((term) => (term.is === 'or' ? `(${print(term)})` : print(term))).join(' or ');
    case 'and':
      return tree.of.map((term) => (isList(term) ? `(${print(term)})` : print(term))).join(' AND ');
    case 'not':
      return isList(tree.of) ? `not(${print(tree.of)})` : `not ${print(tree.of)}`;
    case 'compare':
      return `${printSide(tree.left)}${tree.sign} ${printSide(tree.right)}`;
    case 'in':
      return `${printPath(tree.field)} ${tree.negated ? 'not in' : 'in'} (${tree.values.map(printValue).join(',')})`;
    case 'exists':
      return `exists( ${printPath(tree.field)} )`;
    default: {
      const text = tree.is === 'matches' && tree.asCall ? `/${tree.text}/` : printValue(tree.text);
      return tree.asCall
        ? `${tree.is}(${printPath(tree.field)}, ${text})`
        : `${printPath(tree.field)} ${tree.is} ${text}`;
    }
  }
}

function isList(tree: Tree): boolean {
  return tree.is === 'and' || tree.is === 'or';
}

function printSide(side: Side): string {
  return 'field' in side ? printPath(side.field) : printValue(side.value);
}

export function printPath(path: Path): string {
  const steps = path.map((step, at) => {
    if (typeof step === 'number') return `[${step}]`;
    const name = /^[a-z]+$/.test(step) && step !== 'in' ? step : `\`${step.replaceAll('`', '``')}\``;
    return at === 0 ? name : `.${name}`;
  });
  return steps.join('');
}

function printValue(value: Value): string {
  if (typeof value !== 'string') return String(value);
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return value.includes("'") ? `"${escaped.replaceAll('"', '\\"')}"` : `'${escaped}'`;
}

/** What docs/expressions.md says of a row whose fields `read` finds; `isCsv` chooses its column of the table of types. */
export function holds(tree: Tree, read: (path: Path) => unknown, isCsv: boolean): boolean {
  switch (tree.is) {
    case 'and':
      return tree.of.every((term) => holds(term, read, isCsv));
    case 'or':
      return tree.of.some((term) => holds(term, read, isCsv));
    case 'not':
      return !holds(tree.of, read, isCsv);
    case 'exists':
      return isCsv ? read(tree.field) !== '' : read(tree.field) !== undefined;
    case 'in':
      return tree.negated !== tree.values.some((value) => compare('=', { field: tree.field }, { value }, read, isCsv));
    case 'contains': {
      const value = read(tree.field);
      if (Array.isArray(value)) return value.some((entry) => entry === tree.text);
      return typeof value === 'string' && value.indexOf(tree.text) >= 0;
    }
    case 'matches': {
      const value = read(tree.field);
      return typeof value === 'string' && new RegExp(tree.text).test(value);
    }
    default:
      return compare(tree.sign, tree.left, tree.right, read, isCsv);
  }
}

function compare(sign: string, left: Side, right: Side, read: (path: Path) => unknown, isCsv: boolean): boolean {
  let a: unknown = ('field' in left ? read(left.field) : left.value) ?? null;
  let b: unknown = ('field' in right ? read(right.field) : right.value) ?? null;
  if (isCsv) {
    const areFields = 'field' in left && 'field' in right;
    if (areFields && isNumber(a) && isNumber(b)) [a, b] = [Number(a), Number(b)];
    else [a, b] = [asLike(a, b), asLike(b, a)];
  }
  if (sign === '!=') return !areEqual(a, b);
  if (areEqual(a, b)) return sign === '=' || sign === '==' || sign === '<=' || sign === '>=';
  if (sign === '=' || sign === '==') return false;
  const isOrdered = typeof a === typeof b && (typeof a === 'number' || typeof a === 'string');
  if (!isOrdered) return false;
  return sign.startsWith('<') ? (a as string) < (b as string) : (a as string) > (b as string);
}

function areEqual(a: unknown, b: unknown): boolean {
  return a === b && (a === null || typeof a !== 'object');
}

/** A text of a CSV, read as what it is compared with. */
function asLike(value: unknown, other: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (typeof other === 'number') return isNumber(value) ? Number(value) : value;
  if (typeof other === 'boolean') return /^true$/i.test(value) ? true : /^false$/i.test(value) ? false : value;
  return other === null && value === '' ? null : value;
}

function isNumber(value: unknown): boolean {
  return (
    typeof value === 'string' && /^\s*[-+]?[0-9.]+(e[-+]?[0-9]+)?\s*$/i.test(value) && !Number.isNaN(Number(value))
  );
}
