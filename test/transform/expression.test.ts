import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { compileCondition, type Fields } from '../../lib/transform/expression/compile.ts';
import { parseCondition, parseField } from '../../lib/transform/expression/parse.ts';
import { fieldsOf, fieldText, MAX_CONDITION, MAX_DEPTH } from '../../lib/transform/expression/syntax.ts';
import { holds, type Path, print, trees, values } from './expression-reference.ts';

/** The message, or nothing where the text is a condition; whatever else is thrown comes through. */
function refusal(source: string): string {
  try {
    parseCondition(source);
    return '';
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'BatchInvalid') return error.message;
    throw error;
  }
}

const flat: Fields<Readonly<Record<string, unknown>>> = {
  rule: 'json',
  read:
    ({ path: [name] }) =>
    (row) =>
      row[name],
  exists:
    ({ path: [name] }) =>
    (row) =>
      row[name] !== undefined,
};

function isTrue(source: string, row: Readonly<Record<string, unknown>>): boolean {
  return compileCondition(parseCondition(source), flat)(row);
}

describe('reading a condition', () => {
  it('lets `and` bind stronger than `or`, and `not` strongest', () => {
    const row = { a: 1, b: 2 };

    expect(isTrue('a = 1 or a = 2 and b = 3', row)).toBe(true);
    expect(isTrue('(a = 1 or a = 2) and b = 3', row)).toBe(false);
    expect(isTrue('not a = 2 and b = 2', row)).toBe(true);
    expect(isTrue('not (a = 2 or b = 2)', row)).toBe(false);
  });

  it('knows names in backticks, paths, keywords in any case and texts with escapes', () => {
    expect(isTrue('`first name` = "Ann \\"A\\"\\n\\u0041"', { 'first name': 'Ann "A"\nA' })).toBe(true);
    expect(isTrue('`a``b` IN (1) AND NOT c == NULL', { 'a`b': 1, c: 0 })).toBe(true);
    expect(fieldText(parseField('a.in[0].`x y`', 'select'))).toBe('a.in[0].x y');
    expect(fieldsOf(parseCondition('a > b.c or not exists(d)')).map(fieldText)).toEqual(['a', 'b.c', 'd']);
  });

  it.each([
    ['', 1, 'expected a field, a value, `not`, `exists`, `contains`, `matches` or `(`, found the end'],
    ['age', 4, 'expected one of = != < <= > >= in contains matches, found the end'],
    ['age >', 6, 'expected a field or a value, found the end'],
    ['age = 1 b = 2', 9, 'expected `and`, `or` or the end, found "b"'],
    ['(age = 1', 9, 'expected `)`, found the end'],
    ['in = 1', 1, 'found "in" (a field of that name stands in backticks)'],
    ['1 in (1)', 3, 'expected one of = != < <= > >= behind a value, found "in"'],
    ['a in ()', 7, 'expected a text, a number, true, false or null, found ")"'],
    ['a in (b)', 7, 'expected a text, a number, true, false or null, found "b"'],
    ["a = 'x", 5, "expected a closing '"],
    ["a = '\\d'", 6, 'expected one of \\\\'],
    ['a = 1x', 5, 'expected a name, a value or an operator'],
    ['a = 1e999', 5, 'expected a number that fits into 64 bits'],
    ['a ~ 1', 3, 'expected a name, a value or an operator, found "~ 1"'],
    ['a contains 5', 12, 'expected a text in quotes, found "5"'],
    ["a matches '('", 11, 'expected a pattern in RE2 syntax, found missing closing )'],
    ['a matches /(?=x)/', 11, 'expected a pattern in RE2 syntax'],
    ['a matches /x', 11, 'expected a pattern that ends with /'],
    ['a matches /(\\pL{500}){2}\\pL{500}\\pL{600}/', 11, 'expected a pattern of at most 2000 steps'],
    ['a[-1] = 1', 3, 'expected a position, from 0'],
    ['a. = 1', 4, 'expected a name behind `.`'],
    ['a not = 1', 7, 'expected `in`, `contains` or `matches`'],
  ])('refuses %j at position %i', (source, position, text) => {
    expect(refusal(source)).toContain(`\`where\`, position ${position}: expected `);
    expect(refusal(source)).toContain(text);
  });

  it('refuses what is too long or nested too deeply', () => {
    const nested = (levels: number) => `${'('.repeat(levels)}a = 1${')'.repeat(levels)}`;

    expect(refusal(`a = '${'x'.repeat(MAX_CONDITION - 6)}'`)).toBe('');
    expect(refusal(`a = '${'x'.repeat(MAX_CONDITION - 5)}'`)).toContain('at most 4096 characters');
    expect(refusal(nested(MAX_DEPTH))).toBe('');
    expect(refusal(nested(MAX_DEPTH + 1))).toContain('at most 64 levels');
    expect(refusal(`${'not '.repeat(MAX_DEPTH + 1)}a = 1`)).toContain('at most 64 levels');
  });

  it('throws nothing but BatchInvalid, whatever the text', () => {
    const pieces = fc.constantFrom(
      ...[
        'a',
        'and',
        'or',
        'not',
        'in',
        '(',
        ')',
        ',',
        '=',
        '<',
        "'x'",
        '"',
        "'",
        '`',
        '/x/',
        '/',
        '1',
        '-',
        '.',
        '[',
        ']',
      ],
      ...['exists', 'contains', 'matches', 'null', '\\', ' ', '\n', '\u{1F600}', '\ud800', 'ü', '9e9'],
    );
    const soup = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));
    const damaged = fc
      .tuple(trees([['a'], ['b', 0]]), fc.nat(), fc.nat(3))
      .map(([tree, at, count]) => ({ text: print(tree), at, count }))
      .map(({ text, at, count }) => text.slice(0, at % text.length) + text.slice((at % text.length) + count));

    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), damaged), (source) => {
        const message = refusal(source);
        if (message !== '') expect(message).toMatch(/^`where`, position \d+: expected .+, found .+/su);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('what a condition means', () => {
  it('means after printing and reading what the tree means', () => {
    const fields: readonly Path[] = [['a'], ['b'], ['first name'], ['in']];
    const rows = fc.record(
      { a: values, b: values, 'first name': values, in: fc.array(fc.constantFrom('a', 5)) },
      { requiredKeys: [] },
    );

    fc.assert(
      fc.property(trees(fields), rows, (tree, row: Readonly<Record<string, unknown>>) => {
        const wanted = holds(tree, ([name = '']) => row[name], false);
        expect(isTrue(print(tree), row), print(tree)).toBe(wanted);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each(['^(a+)+$', '^(a|a)*$', '^(.*)*.*b$', '(x+x+)+y', '^(\\w+\\s?)*$'])(
    'matches %s in linear time: backtracking would not end in this life',
    (pattern) => {
      const text = `${'a'.repeat(50_000)}!${'x'.repeat(50_000)}`;

      expect(isTrue(`a matches /${pattern}/`, { a: text })).toBe(false);
    },
  );

  it('matches texts that are no proper Unicode', () => {
    expect(isTrue('a matches /^.b/', { a: '\ud800b' })).toBe(true);
  });
});
