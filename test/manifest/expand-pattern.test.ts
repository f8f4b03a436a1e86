import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPattern } from '../../lib/manifest/expand-pattern.ts';
import { readManifest } from '../../lib/manifest/read-manifest.ts';
import { found, inPieces, readAll } from './lists.ts';

/** All texts of a pattern; the text itself where it is none. */
function expand(text: string): string[] {
  const read = readPattern(text);
  if ('problem' in read) throw new Error(read.problem.text);
  const { pattern } = read;
  return pattern ? Array.from({ length: pattern.count }, (_, index) => pattern.at(index)) : [text];
}

const countOf = (text: string) => {
  const read = readPattern(text);
  return 'problem' in read ? undefined : read.pattern?.count;
};

describe('a pattern', () => {
  it.each([
    ['a{1..3}', ['a1', 'a2', 'a3']],
    ['{08..11}', ['08', '09', '10', '11']],
    ['{8..011}', ['008', '009', '010', '011']],
    ['{3..1}', ['3', '2', '1']],
    ['{-1..1}', ['-1', '0', '1']],
    ['{-01..1}', ['-01', '000', '001']],
    ['{0..10..5}', ['0', '5', '10']],
    ['{0..9..-4}', ['0', '4', '8']],
    ['{10..1..4}', ['10', '6', '2']],
    ['{7..7}', ['7']],
    ['{a..e..2}', ['a', 'c', 'e']],
    ['{C..A}', ['C', 'B', 'A']],
    ['x{a,b}y', ['xay', 'xby']],
    ['{a,}', ['a', '']],
    ['{a,b}{1..2}', ['a1', 'a2', 'b1', 'b2']],
    ['{a,b{1..2}c,{x,y}}', ['a', 'b1c', 'b2c', 'x', 'y']],
    ['{x}{1,2}', ['{x}1', '{x}2']],
    ['{a{1,2}b}', ['{a1b}', '{a2b}']],
    ['{{1..2}', ['{1', '{2']],
    ['{1..2}}', ['1}', '2}']],
  ])('%s is what a shell makes of it', (text, texts) => {
    expect(expand(text)).toEqual(texts);
  });

  it.each([
    '{abc}',
    '{}',
    '{',
    '}',
    '{..}',
    '{1..}',
    '{a..Z}',
    '{1..b}',
    '{ab..cd}',
    '{1...3}',
    '%7B1..3%7D',
    'a,b',
    '{"a":1}',
  ])('%s is none', (text) => {
    expect(readPattern(text)).toEqual({ pattern: undefined });
  });

  it.each([
    ['{1..9..0}', 'the step of {1..9..0} is 0'],
    ['a\\{1..3\\}', 'a backslash does not make a brace literal; write %7B for { and %7D for }'],
    ['{a,b\\}', 'a backslash does not make a brace literal; write %7B for { and %7D for }'],
    ['{1..9999999999999999}', 'the numbers of a range have at most 15 digits'],
    ['{a,'.repeat(17) + '}'.repeat(17), 'patterns stand within each other at most 16 deep'],
  ])('%s is a problem', (text, problem) => {
    expect(readPattern(text)).toMatchObject({ problem: { field: 'url', text: problem } });
  });

  it('is counted without being written out, however many it makes', () => {
    expect(countOf('{1..1000000}{1..1000000}')).toBe(1e12);
    expect(countOf('{1..999999999999999}'.repeat(30))).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    expect(countOf('{0..999999999999999}')).toBe(1e15);
  });

  it('of 8 KiB of braces costs next to nothing', () => {
    expect(countOf('{'.repeat(8_000))).toBeUndefined();
    expect(countOf(`${'{'.repeat(4_000)}${'}'.repeat(4_000)}`)).toBeUndefined();
  });

  /** A tree, with its text and all it stands for, made the plain way. */
  type Tree = { readonly text: string; readonly all: readonly string[] };
  const plain = fc.stringMatching(/^[a-z0-9/.?=&-]{0,4}$/).map((text): Tree => ({ text, all: [text] }));
  const range = fc
    .tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 }), fc.integer({ min: 1, max: 7 }))
    .map(([from, to, step]): Tree => {
      const all: string[] = [];
      if (from <= to) for (let at = from; at <= to; at += step) all.push(String(at));
      else for (let at = from; at >= to; at -= step) all.push(String(at));
      return { text: `{${from}..${to}..${step}}`, all };
    });
  const { tree } = fc.letrec<{ tree: Tree; choice: Tree }>((tie) => ({
    choice: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }).map((options) => ({
      text: `{${options.map(({ text }) => text).join(',')}}`,
      all: options.flatMap(({ all }) => all),
    })),
    tree: fc
      .array(fc.oneof({ maxDepth: 2 }, plain, range, tie('choice')), { maxLength: 3 })
      .map((parts) => ({
        text: parts.map(({ text }) => text).join(''),
        all: parts.reduce<readonly string[]>((all, part) => all.flatMap((a) => part.all.map((b) => a + b)), ['']),
      }))
      .filter(({ all }) => all.length <= 5_000),
  }));

  it('stands for the same as a plain expander finds, in the same order', () => {
    fc.assert(
      fc.property(tree, ({ text, all }) => {
        expect(expand(text)).toEqual(all);
      }),
    );
  });

  it('is found in any text without an error', () => {
    const piece = fc.constantFrom('{', '}', ',', '..', '1', '02', '-', 'a', 'Z', 'x');

    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const read = readPattern(pieces.join(''));
        if ('problem' in read || !read.pattern) return;
        expect(read.pattern.count).toBeGreaterThan(0);
        expect(read.pattern.at(0)).toBeTypeOf('string');
      }),
    );
  });
});

describe('a list with patterns', () => {
  const list = 'https://a.example/{01..03}.zip\n# {1..9}\nhttps://b.example/{x,y}?q={a}';

  it('is as many items as they make; line says where they stand', async () => {
    const lines = await readAll(list, { name: 'l.txt' });

    expect(lines.map(({ index, line }) => [index, line])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 3],
      [4, 3],
    ]);
    expect(lines.map(found)).toEqual([
      'https://a.example/01.zip',
      'https://a.example/02.zip',
      'https://a.example/03.zip',
      'https://b.example/x?q={a}',
      'https://b.example/y?q={a}',
    ]);
  });

  it('is taken literally when told so', async () => {
    const lines = await readAll(list, { name: 'l.txt', expand: false });

    expect(lines.map(found)).toEqual(['https://a.example/%7B01..03%7D.zip', 'https://b.example/%7Bx,y%7D?q={a}']);
  });

  it.each(['csv', 'tsv', 'jsonl'] as const)('is one of plain URLs: in %s braces are what they are', async (format) => {
    const url = 'https://a.example/{1..3}';
    const text = format === 'jsonl' ? JSON.stringify({ url }) : `url\n${url}`;

    expect(await readAll(text, { name: '-', format })).toHaveLength(1);
    await expect(readAll(text, { name: '-', format, expand: true })).rejects.toMatchObject({
      name: 'ManifestUnreadable',
    });
  });

  it('past maxItems is one problem, before the first of them is made', async () => {
    const text = `https://a.example/\nhttps://a.example/{1..1000000000}\nhttps://a.example/{a..z}{1..100000000000000}{1..100}`;

    const lines = await readAll(text, { name: 'l' }, { maxItems: 1_000 });

    expect(lines.map(found)).toEqual([
      'https://a.example/',
      'the pattern makes 1000000000 URLs, with those before it more than 1000 (maxItems)',
      'the pattern makes too many URLs, with those before it more than 1000 (maxItems)',
    ]);
    expect(lines[1]).toMatchObject({ line: 2, problems: [{ error: 'LimitReached' }] });
  });

  it('is never written out: the first items come before the last ones are made', async () => {
    const read = readManifest(inPieces(Buffer.from('https://a.example/{1..90000000}'), 100), { name: 'l' });
    const first = await read.next();
    await read.return();

    expect(first.value).toMatchObject({ item: { url: 'https://a.example/1' } });
  });
});
