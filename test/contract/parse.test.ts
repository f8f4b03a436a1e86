import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchInput } from '../../lib/contract/batch-input.ts';
import { item } from '../../lib/contract/item.ts';
import { checkContract, parseContract } from '../../lib/contract/parse.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';

const url = 'https://example.com/a';

function texts(schema: typeof item | typeof batchInput, value: unknown): readonly string[] {
  const checked = checkContract(schema, value);
  return checked.ok ? [] : checked.problems.map(({ text }) => text);
}

describe('parseContract', () => {
  it('fills the defaults in', () => {
    const parsed = parseContract(batchInput, { to: 's3://b/p', run: 'nightly' }, 'batch input');

    expect(parsed.options).toMatchObject({ attempts: 5, overwrite: 'if-changed' });
  });

  it('throws BatchInvalid that names the first problem and lists all', () => {
    const parse = () =>
      parseContract(batchInput, { to: 's3://b/p', run: 'A', options: { attempts: 0 } }, 'batch input');

    expect(parse).toThrow(SkyhaulError);
    expect(parse).toThrow(
      expect.objectContaining({
        name: 'BatchInvalid',
        message: 'batch input: `run`: a-z, 0-9 and -, at most 63 characters, found "A" (and 1 more)',
        details: {
          problems: [
            '`run`: a-z, 0-9 and -, at most 63 characters, found "A"',
            '`options.attempts`: at least 1, found 0',
          ],
        },
      }),
    );
  });
});

describe('the problems of an input', () => {
  it.each([
    [{ url, sise: 3 }, 'unknown field `sise`; did you mean `size`?'],
    [{ url, content_type: 'a' }, 'unknown field `content_type`; did you mean `contentType`?'],
    [{ url, request: { header: {} } }, 'unknown field `request.header`; did you mean `headers`?'],
    [{ url, favourite: 1 }, 'unknown field `favourite`'],
    [{ url, expect: { code: 1 } }, 'unknown field `expect.code`; known are `status`, `contentType`, `minBytes`'],
    [{}, '`url` is missing'],
    [null, 'an object, found null'],
    [{ url, size: -1 }, '`size`: at least 0, found -1'],
    [{ url, size: '12 MB' }, '`size`: a number, found "12 MB"'],
    [{ url, size: 1.5 }, '`size`: a whole number, found 1.5'],
    [{ url, id: 7 }, '`id`: a text, found 7'],
    [{ url, sha256: 'abc' }, '`sha256`: 64 hexadecimal digits, found "abc"'],
    [{ url, result: 'file' }, '`result`: `object` or `inline` or `head` or `none`, found "file"'],
    [{ url, result: 'inlin' }, 'or `none`, found "inlin"; did you mean `inline`?'],
    [{ url, method: 'get' }, '`method`: `GET` or `POST`, found "get"; did you mean `GET`?'],
    [{ url, transform: ['gunzp'] }, 'or `module`, found "gunzp"; did you mean `gunzip`?'],
    [{ url, transform: [{ name: 'jsnl' }] }, 'found "jsnl"; did you mean `jsonl`?'],
    [{ url, transform: ['bunzip2'] }, 'or `module`, found "bunzip2"'],
    [{ url, transform: [{}] }, '`transform[0].name`: '],
    [
      { url, request: { proxy: { url: 'http://p', usernam: 'u' } } },
      '`request.proxy.usernam`; did you mean `username`?',
    ],
    [{ url, expect: [] }, '`expect`: an object, found a list'],
    [{ url, id: 'a\nb' }, '`id`: a text without control characters, found "a\\nb"'],
    [{ url, metadata: { 'skyhaul-run': 'x' } }, '`metadata.skyhaul-run`: the name must be of a-z'],
    [{ url, headers: { Range: 'bytes=0-' } }, '`headers.Range`: Skyhaul sets this header itself'],
  ])('%j: %s', (value, expected) => {
    expect(texts(item, value)).toEqual([expect.stringContaining(expected)]);
  });

  it('bounds the metadata of an item as a whole', () => {
    expect(texts(item, { url, metadata: { a: 'x'.repeat(1_024) } })).toEqual([
      '`metadata`: at most 1024 bytes, found 1025',
    ]);
  });

  it('names options with their place', () => {
    const value = { to: 'x', run: 'a', options: { maxConcurency: 3, request: { headers: 1 } } };

    expect(texts(batchInput, value)).toEqual([
      '`options.request.headers`: an object, found (not shown)',
      'unknown field `options.maxConcurency`; did you mean `maxConcurrency`?',
    ]);
  });

  it('refuses items together with a manifest, and neither of them', () => {
    expect(texts(batchInput, { to: 'x', items: [1], manifest: { uri: 'l.txt' } })).toEqual([
      'give `items` or `manifest`, not both',
    ]);
    expect(texts(batchInput, { to: 'x' })).toEqual(['give `items` or `manifest`, or the `run` to continue']);
  });

  it.each([
    '{"url":"https://a.example/","__proto__":{"key":"x"}}',
    '{"url":"https://a.example/","metadata":{"__proto__":"x"}}',
    '{"url":"https://a.example/","headers":{"\\u005f_proto__":"x"}}',
  ])('L19: refuses the key __proto__ in %s', (text) => {
    expect(texts(item, JSON.parse(text))).toEqual(['unknown field `__proto__`']);
  });

  it('L19: refuses what is nested deeper than 32 levels, however deep', () => {
    const deep: unknown = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000));

    expect(texts(item, { url, transform: deep })).toEqual(['nested deeper than 32 levels']);
  });

  it('never repeats a credential, wherever it was put', () => {
    const secret = 'cAnArY7f3a';
    const places: unknown[] = [
      `https://example.com/?sig=${secret}`,
      { url: `https://user:${secret}@example.com/?sig=${secret}`, size: 'x' },
      { url: `ftp://example.com/?sig=${secret}`.padEnd(9_000, secret) },
      { url, headers: { authorization: `Bearer ${secret}\n` } },
      { url, headers: { [`Authorization: Bearer ${secret}`]: 'x' } },
      { url, [`authorization ${secret}`]: 'x' },
      { url, headers: secret, request: { body: [secret], auth: secret, query: secret, proxy: 3 } },
      { url, request: { proxy: `http://me:${secret}@p.example:3128` } },
      { url, request: { proxy: { url: 'p', username: 'u', password: `${secret}\n` } } },
      { url, request: { proxy: { url: 'http://p.example', password: secret } } },
      { url, key: { x: secret }, id: [secret], metadata: `https://example.com/?token=${secret}` },
      { url, auhtorization: secret },
    ];

    for (const value of places) {
      const problems = texts(item, value);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join('\n')).not.toContain(secret);
    }
  });

  it('is one line of text for any value whatever', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const text of texts(item, value)) expect(text).toMatch(/^[^\p{Cc}]{1,500}$/u);
      }),
    );
  });
});
