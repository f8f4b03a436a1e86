import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredObject } from '../../lib/store/object-store.ts';
import { beforeFetch, META, sourceName } from '../../lib/transfer/overwrite-policy.ts';

const source = 'https://a.example/file';

function object(metadata: Record<string, string>): StoredObject {
  return { key: 'k', bytes: 3, etag: 'e1', crc32: 1, contentType: undefined, metadata };
}

function decide(overwrite: 'never' | 'if-changed' | 'always', existing: StoredObject | undefined) {
  return beforeFetch({ overwrite, existing, run: 'r', line: 1, source, isDeclared: false });
}

describe('beforeFetch', () => {
  it('may only create where nothing stands', () => {
    expect(decide('always', undefined)).toMatchObject({ action: 'fetch', condition: { kind: 'absent' } });
  });

  it('may only replace what it saw where something stands', () => {
    expect(decide('always', object({}))).toMatchObject({ condition: { kind: 'matches', etag: 'e1' } });
  });

  it('fetches nothing over an existing object with `never`', () => {
    expect(decide('never', object({}))).toEqual({ action: 'skip', reason: 'exists' });
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

describe('the name of a source in the metadata of an object', () => {
  it('says that there was a query, and not which', () => {
    expect(sourceName('https://a.example/file?signature=1')).toBe('https://a.example/file?...');
  });

  it('is ASCII whatever the URL, because it travels as a header', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.string({ unit: 'grapheme' }), (url, text) => {
        expect(sourceName(`${url}${text}`)).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
