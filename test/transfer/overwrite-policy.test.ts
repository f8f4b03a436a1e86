import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Framing } from '../../lib/source/source.ts';
import type { StoredObject } from '../../lib/store/object-store.ts';
import { beforeFetch, type Conditions, META, sourceName, whyUnchanged } from '../../lib/transfer/overwrite-policy.ts';

const source = 'https://a.example/file';

function object(metadata: Record<string, string>): StoredObject {
  return { key: 'k', bytes: 3, etag: 'e1', crc32: 1, contentType: undefined, metadata };
}

function decide(overwrite: 'never' | 'if-changed' | 'always', existing: StoredObject | undefined) {
  return beforeFetch({ overwrite, existing, run: 'r', line: 1, source });
}

describe('beforeFetch', () => {
  it('may only create where nothing stands', () => {
    expect(decide('always', undefined)).toMatchObject({ action: 'fetch', condition: { kind: 'absent' } });
  });

  it('may only replace what it saw where something stands', () => {
    expect(decide('always', object({}))).toMatchObject({ condition: { kind: 'matches', etag: 'e1' } });
  });

  it('fetches nothing over an existing object with `never`', () => {
    expect(decide('never', object({}))).toMatchObject({ action: 'skip', reason: 'exists' });
  });

  it('asks the same source whether anything changed with `if-changed`, and no other source', () => {
    const same = object({ [META.source]: source, [META.etag]: '"v1"' });
    const other = object({ [META.source]: 'https://b.example/file', [META.etag]: '"v1"' });

    expect(decide('if-changed', same)).toMatchObject({ action: 'fetch', ifNoneMatch: '"v1"' });
    expect(decide('if-changed', other)).toMatchObject({ action: 'fetch', ifNoneMatch: undefined });
    expect(decide('always', same)).toMatchObject({ action: 'fetch', ifNoneMatch: undefined });
  });

  it('recognises what this run stored for this line before a crash lost the row', () => {
    const own = { [META.run]: 'r', [META.line]: '1', [META.source]: source };
    expect(decide('never', object(own))).toMatchObject({ action: 'adopt' });
    expect(decide('never', object({ ...own, [META.line]: '2' }))).toMatchObject({ action: 'skip' });
    expect(decide('never', object({ ...own, [META.source]: 'https://b.example/' }))).toMatchObject({ action: 'skip' });
  });
});

describe('what the list declares', () => {
  const [sha256, md5] = ['a'.repeat(64), 'b'.repeat(32)];
  const held = { [META.sha256]: sha256, [META.md5]: md5 };
  const judge = (metadata: Record<string, string>, declared: object, more: object = {}) =>
    beforeFetch({
      overwrite: 'if-changed',
      existing: object({ ...metadata, [META.source]: source, [META.etag]: '"v1"' }),
      run: 'r',
      line: 1,
      source,
      declared,
      ...more,
    });

  it('and the object was proven by need not be asked for, if all of it fits', () => {
    expect(judge(held, { sha256 })).toMatchObject({ action: 'skip', message: 'has the declared sha256' });
    expect(judge(held, { sha256, md5, size: 3 })).toMatchObject({ action: 'skip' });
    expect(judge(held, { sha256, md5: 'c'.repeat(32) })).toMatchObject({ action: 'fetch' });
    expect(judge(held, { sha256, size: 4 })).toMatchObject({ action: 'fetch' });
    expect(judge(held, { sha256, crc32c: '00000000' })).toMatchObject({ action: 'fetch' });
  });

  it('is about what was fetched, not about what transforms made of it', () => {
    const made = { ...held, [META.transform]: 'gzip 1', [META.bytes]: '9' };

    expect(judge(made, { sha256, size: 9 }, { transform: 'gzip 1' })).toMatchObject({ action: 'skip' });
    expect(judge(made, { sha256, size: 3 }, { transform: 'gzip 1' })).toMatchObject({ action: 'fetch' });
    expect(judge(made, { sha256 }, { transform: 'zstd 1' })).toMatchObject({ action: 'fetch' });
  });

  it('and nobody has proven is not believed to a source that says 304', () => {
    expect(judge({}, { sha256 })).toMatchObject({ action: 'fetch', ifNoneMatch: undefined });
    expect(judge({}, { size: 4 })).toMatchObject({ action: 'fetch', ifNoneMatch: undefined });
    expect(judge({}, { size: 3 })).toMatchObject({ action: 'fetch', ifNoneMatch: '"v1"' });
  });

  it('skips nothing with `always`, and nothing that is posted', () => {
    expect(judge(held, { sha256 }, { overwrite: 'always' })).toMatchObject({ action: 'fetch' });
    expect(judge(held, { sha256 }, { isPost: true })).toMatchObject({ action: 'fetch' });
  });
});

describe('whyUnchanged', () => {
  const none = { strongEtag: undefined, weakEtag: undefined, lastModified: undefined };
  const [date, later] = ['Tue, 03 Nov 2026 10:00:00 GMT', 'Tue, 03 Nov 2026 10:00:01 GMT'];
  const why = (asked: Conditions, found: object, framing: Framing = { kind: 'length', bytes: 3 }) =>
    whyUnchanged(asked, object({}), { framing, validators: { ...none, ...found } });

  it('goes by a strong ETag, also without a length, but never against it', () => {
    expect(why({ ifNoneMatch: '"1"' }, { strongEtag: '"1"' })).toBe('same ETag');
    expect(why({ ifNoneMatch: '"1"' }, { strongEtag: '"1"' }, { kind: 'chunked' })).toBe('same ETag');
    expect(why({ ifNoneMatch: '"1"' }, { strongEtag: '"1"' }, { kind: 'length', bytes: 4 })).toBeUndefined();
    expect(why({ ifNoneMatch: '"1"' }, { strongEtag: '"2"' })).toBeUndefined();
  });

  it('goes by weaker marks only where all of them, and the length, are the same', () => {
    const both = { ifNoneMatch: 'W/"1"', ifModifiedSince: date };
    const found = { weakEtag: 'W/"1"', lastModified: date };

    expect(why(both, found)).toBe('same weak ETag and length');
    expect(why({ ifNoneMatch: undefined, ifModifiedSince: date }, { lastModified: date })).toMatch(/^same Last-/);
    const others = [{ weakEtag: 'W/"2"' }, { lastModified: later }, { strongEtag: '"1"' }, { weakEtag: undefined }];
    for (const other of others) expect(why(both, { ...found, ...other })).toBeUndefined();
    expect(why(both, found, { kind: 'chunked' })).toBeUndefined();
    expect(why(both, found, { kind: 'length', bytes: 4 })).toBeUndefined();
  });

  it('knows nothing where nothing was asked', () => {
    expect(why({ ifNoneMatch: undefined }, {})).toBeUndefined();
  });
});

describe('the name of a source in the metadata of an object', () => {
  it('says that there was a query, and not which', () => {
    expect(sourceName('https://a.example/file?signature=1')).toBe('https://a.example/file?...');
  });

  it('tells long URLs apart', () => {
    const name = (end: string) => sourceName(`https://a.example/${'long/'.repeat(300)}${end}`);
    expect(name('a')).not.toBe(name('b'));
    expect(name('a')).toHaveLength(512);
  });

  it('is ASCII whatever the URL, because it travels as a header', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.string({ unit: 'grapheme' }), (url, text) => {
        expect(sourceName(`${url}${text}`)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
