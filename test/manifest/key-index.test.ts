import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyIndex } from '../../lib/manifest/key-index.ts';

const one = { url: 'https://a.example/1' };
const other = { url: 'https://a.example/2' };

describe('KeyIndex', () => {
  it('calls a later line that asks for the same a duplicate of the first', () => {
    const index = new KeyIndex();

    expect(index.claim(3, 'k', { ...one, id: 'x', metadata: { a: '1', b: '2' } })).toEqual({ kind: 'first' });
    expect(index.claim(9, 'k', { metadata: { b: '2', a: '1' }, ...one, key: 'k', id: 'y' })).toEqual({
      kind: 'duplicate',
      of: 3,
    });
  });

  it.each([
    ['another URL', other],
    ['other headers', { ...one, headers: { accept: 'x' } }],
    ['another digest', { ...one, md5: 'a'.repeat(32) }],
    ['another content type', { ...one, contentType: 'a/b' }],
  ])('H73: refuses %s at the same key and names both lines', (_, item) => {
    const index = new KeyIndex();
    index.claim(3, 'k', one);

    expect(index.claim(9, 'k', item)).toMatchObject({
      kind: 'conflict',
      with: 3,
      problem: {
        field: 'key',
        error: 'KeyConflict',
        text: expect.stringMatching(/^lines 3 and 9 meet at the key "k": .* a template .* with \{line\} or \{item\}$/),
      },
    });
  });

  it('H73: takes keys that differ in their Unicode form only for the same key', () => {
    const index = new KeyIndex();
    index.claim(1, 'u\u0308', one);

    expect(index.claim(2, '\u00fc', other)).toMatchObject({ kind: 'conflict', with: 1 });
  });

  it.each([
    ['u\u0308.txt', '{filename}'],
    ['a/u\u0308.txt', 'a/{filename}'],
    ['a/u\u0308.txt', 'a/7-{filename}.x'],
    ['u\u0308/x.txt', '\u00fc/{filename}'],
    ['u\u0308/x/y.txt', '{filename}/x/y.txt'],
    ['a/b/u\u0308', 'a/{filename}/c'],
  ])('H73: lets no name of a source meet a key in another Unicode form: %j and %s', (key, unnamed) => {
    const [formedFirst, unnamedFirst] = [new KeyIndex(), new KeyIndex()];
    formedFirst.claim(3, key, one);
    unnamedFirst.claimUnnamed(3, unnamed, one);

    expect(formedFirst.claimUnnamed(9, unnamed, other)).toMatchObject({
      kind: 'conflict',
      with: 3,
      problem: {
        error: 'KeyConflict',
        text: 'what the source of line 9 calls it may be the key of line 3, in another Unicode form; write that key in NFC',
      },
    });
    expect(unnamedFirst.claim(9, key, other)).toMatchObject({
      kind: 'conflict',
      with: 3,
      problem: { text: expect.stringContaining('the source of line 3 calls it may be the key of line 9') },
    });
  });

  it.each([
    ['\u00fc.txt', '{filename}'],
    ['a/u\u0308.txt', '{filename}'],
    ['a/u\u0308.txt', 'b/{filename}'],
    ['a/u\u0308', 'a/{filename}/c'],
  ])('leaves names and keys alone that cannot meet: %j and %s', (key, unnamed) => {
    const index = new KeyIndex();

    expect(index.claim(3, key, one)).toEqual({ kind: 'first' });
    expect(index.claimUnnamed(9, unnamed, other)).toEqual({ kind: 'first' });
    expect(index.claimUnnamed(10, unnamed, other)).toEqual({ kind: 'duplicate', of: 9 });
  });

  it('tells keys apart by case, as S3 does', () => {
    const index = new KeyIndex();
    index.claim(1, 'a', one);

    expect(index.claim(2, 'A', other)).toEqual({ kind: 'first' });
  });

  it('takes upper and lower case for the same where the destination does', () => {
    const index = new KeyIndex({ directories: true, ignoresCase: true });
    index.claim(1, 'A/\u00dc', one);

    expect(index.claim(2, 'a/u\u0308', other)).toMatchObject({
      kind: 'conflict',
      with: 1,
      problem: { text: expect.stringMatching(/upper and lower case are the same at this destination$/) },
    });
    expect(index.claim(3, 'a/\u00fc', one)).toEqual({ kind: 'duplicate', of: 1 });
    expect(index.claim(4, 'a', other)).toMatchObject({ kind: 'conflict', with: 1 });
    expect(index.claim(5, 'b', other)).toEqual({ kind: 'first' });
  });

  it('refuses a key inside another one for directories, in either order, and only there', () => {
    for (const [first, second] of [
      ['a/b', 'a/b/c/d'],
      ['a/b/c/d', 'a/b'],
    ] as const) {
      const index = new KeyIndex({ directories: true });
      index.claim(1, first, one);

      expect(index.claim(2, second, other)).toMatchObject({
        kind: 'conflict',
        with: 1,
        problem: { text: expect.stringContaining('folder') },
      });
      expect(index.claim(3, 'a/bc', other)).toEqual({ kind: 'first' });
    }
    const bucket = new KeyIndex();
    bucket.claim(1, 'a', one);
    expect(bucket.claim(2, 'a/b', other)).toEqual({ kind: 'first' });
  });

  it('agrees with a plain map, also when its tables grow', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: 1, maxLength: 6 });

    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 3_000, size: 'max' }), (claims) => {
        const index = new KeyIndex();
        const map = new Map<string, { line: number; isOne: boolean }>();
        for (const [at, [name, isOne]] of claims.entries()) {
          const there = map.get(name);
          const kind = index.claim(at + 1, name, isOne ? one : other).kind;
          expect(kind).toBe(!there ? 'first' : there.isOne === isOne ? 'duplicate' : 'conflict');
          if (!there) map.set(name, { line: at + 1, isOne });
        }
        expect(index.size).toBe(map.size);
      }),
      { numRuns: 20 },
    );
  });

  it('holds at most 40 bytes a key', () => {
    const index = new KeyIndex();
    for (let line = 1; line <= 100_000; line += 1) index.claim(line, `a.example/${line}`, one);

    expect(index.size).toBe(100_000);
    expect(index.bytes / index.size).toBeLessThan(40);
  });

  it('is as empty as at first once it is released', () => {
    const index = new KeyIndex({ directories: true });
    for (let line = 1; line <= 20_000; line += 1) index.claim(line, `folder/${line}`, one);
    const { bytes } = new KeyIndex({ directories: true });

    index.release();

    expect(index.size).toBe(0);
    expect(index.bytes).toBe(bytes);
    expect(index.claim(1, 'folder/1', other)).toEqual({ kind: 'first' });
  });
});
