import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginningOf, checkKey, cleanPart, deriveKey, finishKey } from '../../lib/manifest/object-key.ts';
import { checkLocalKey } from '../../lib/store/key-rules.ts';

describe('deriveKey', () => {
  it.each([
    ['https://example.com/a/b.pdf', 'example.com/a/b.pdf'],
    ['https://EXAMPLE.com./a', 'example.com/a'],
    ['https://example.com', 'example.com/index.html'],
    ['https://example.com/docs/', 'example.com/docs/index.html'],
    ['https://example.com//a///b', 'example.com/a/b'],
    ['http://example.com:8080/a', 'example.com_8080/a'],
    ['http://[2001:db8::1]:81/a', '2001_db8__1_81/a'],
    ['https://bücher.example/ü', 'xn--bcher-kva.example/ü'],
    ['https://example.com/my%20file.pdf', 'example.com/my file.pdf'],
    ['https://example.com/u%CC%88', 'example.com/ü'],
    ['https://example.com/%ff.bin', 'example.com/%ff.bin'],
    ['https://example.com/a%2Fb', 'example.com/a_b'],
    ['https://example.com/a%00b%5Cc:d*', 'example.com/a_b_c_d_'],
    ['https://example.com/a/../b', 'example.com/b'],
    ['https://example.com/%252e%252e/b', 'example.com/_2e_2e/b'],
    ['https://example.com/%25252e%25252e%252fb', 'example.com/_252e_252e_2fb'],
    ['https://example.com/x%252f..%252fy', 'example.com/x_2f.._2fy'],
    ['https://example.com/...', 'example.com/___'],
    ['https://example.com/a./b', 'example.com/a_/b'],
    ['https://example.com/con.txt', 'example.com/_con.txt'],
    ['https://.skyhaul/runs', '_.skyhaul/runs'],
    ['https://example.com/a?', 'example.com/a'],
    ['https://example.com/a#x', 'example.com/a'],
    ['https://example.com/a.pdf?v=1', 'example.com/a~a798de8ee75aeb55.pdf'],
    ['https://example.com/a.tar.gz?v=1', 'example.com/a~a798de8ee75aeb55.tar.gz'],
    ['https://example.com/?v=1', 'example.com/index~a798de8ee75aeb55.html'],
    ['https://example.com/a?v=1', 'example.com/a~a798de8ee75aeb55'],
  ])('%s becomes %s', (url, key) => {
    expect(deriveKey(new URL(url))).toBe(key);
  });

  it('cuts long names between characters, keeps the extension and tells the cut ones apart', () => {
    const long = (last: string) => deriveKey(new URL(`https://example.com/${'ü'.repeat(300)}${last}.jpeg`));

    expect(long('a')).toMatch(/^example\.com\/ü+~[0-9a-f]{16}\.jpeg$/);
    expect(Buffer.byteLength(long('a'))).toBeLessThanOrEqual(12 + 200);
    expect(long('a')).not.toBe(long('b'));
  });

  const piece = fc.constantFrom(
    ...[
      '.',
      '..',
      '/',
      '%2e',
      '%252e',
      '%25252e',
      '%2f',
      '%5c',
      '%255c',
      '%00',
      '%',
      '%C3',
      'ü',
      'u\u0308',
      ' ',
      ':',
      '~',
    ],
    ...['a', 'con', '.skyhaul', '.tar.gz', '%E2%80%A4', '\ud83d\ude00', 'x'.repeat(150)],
  );
  const url = fc
    .tuple(
      fc.constantFrom(
        'example.com',
        '.',
        '..',
        '.skyhaul',
        '.SKYHAUL.',
        '[::1]',
        '127.1',
        'con',
        'a..',
        'x.'.repeat(120),
      ),
      fc.constantFrom('', ':8080'),
      fc.oneof(fc.string({ unit: piece, maxLength: 30 }), fc.webPath(), fc.string({ unit: 'binary' })),
      fc.option(fc.string(), { nil: undefined }),
    )
    .map(([host, port, path, query]) => `http://${host}${port}/${path}${query === undefined ? '' : `?${query}`}`)
    .filter((text) => URL.canParse(text))
    .map((text) => new URL(text));

  it('always makes a key that every store takes, the same one each time', () => {
    fc.assert(
      fc.property(url, fc.constantFrom(64, 100, 1_024), (from, maxBytes) => {
        const key = deriveKey(from, maxBytes);

        expect(checkKey(key, maxBytes)).toEqual({ ok: true });
        expect(checkLocalKey(key).join('/')).toBe(key);
        expect(key).toBe(key.normalize('NFC'));
        expect(deriveKey(new URL(from), maxBytes)).toBe(key);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives other queries other keys', () => {
    fc.assert(
      fc.property(url, fc.string(), fc.string(), fc.constantFrom(64, 1_024), (from, one, other, maxBytes) => {
        const [first, second] = [new URL(from), new URL(from)];
        first.search = one;
        second.search = other;
        fc.pre(first.search !== second.search);

        expect(deriveKey(first, maxBytes)).not.toBe(deriveKey(second, maxBytes));
      }),
    );
  });
});

describe('checkKey', () => {
  it.each(['a', 'a/b.txt', '.hidden', 'a..b', '100%', 'ü/😀', 'a b', '.skyhaul2/x', 'a/.skyhaul', 'k'.repeat(1_024)])(
    'takes %j',
    (key) => {
      expect(checkKey(key)).toEqual({ ok: true });
    },
  );

  it.each([
    ['', 'empty'],
    ['k'.repeat(1_025), 'at most 1024 bytes, found 1025'],
    ['ü'.repeat(513), 'at most 1024 bytes, found 1026'],
    ['a\u0000', 'control characters'],
    ['a\r\n', 'control characters'],
    ['a\u0085', 'control characters'],
    ['\ud800', 'surrogates'],
    ['a\\b', 'backslash'],
    ['/a', '`/` at the beginning'],
    ['a//b', 'empty part'],
    ['a/', 'empty part'],
    ['.', '`.` or `..`'],
    ['a/../b', '`.` or `..`'],
    ['a/./b', '`.` or `..`'],
    ['%2e%2e/a', '`.` or `..`'],
    ['%252E./a', '`.` or `..`'],
    ['a%2f..%2fb', '`.` or `..`'],
    ['a%5c..%5cb', '`.` or `..`'],
    ['a.', '`.` at the end'],
    ['.skyhaul/x', '.skyhaul'],
    ['.SkyHaul', '.skyhaul'],
    ['.\u017fky\u200bhaul/runs', '.skyhaul'],
    ['.s\u212ayhaul/x', '.skyhaul'],
  ])('refuses %j', (key, problem) => {
    expect(checkKey(key)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });
});

describe('beginningOf', () => {
  it('is how the key begins, whatever the name is', () => {
    const piece = fc.constantFrom('a', 'u\u0308', ' ', '.', ':', '/', 'x'.repeat(150), '\ud83d\ude00', '~', 'co');
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('n.txt', 'x'.repeat(400), 'd'.repeat(190)));

    fc.assert(
      fc.property(text, name, text, (before, called, after) => {
        fc.pre(checkKey(`${before}{filename}${after}`).ok);
        // Behind these the name makes another character, or another word, of what stands before it.
        fc.pre(/^[a-z0-9]/.test(called) && !/(^|\/)co$/.test(before));
        const key = finishKey(`${before}${cleanPart(called)}${after}`.split('/'), 1_024, called);

        expect(key.startsWith(beginningOf(`${before}{filename}${after}`, before.length))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    expect(beginningOf('a/b-{filename}', 4)).toBe('a/b-');
  });
});
