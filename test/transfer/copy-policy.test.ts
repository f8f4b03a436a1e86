import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../lib/contract/limits.ts';
import type { StoredObject } from '../../lib/store/object-store.ts';
import { describeCopy, isCopyable, partsOfCopy } from '../../lib/transfer/copy-policy.ts';
import { type Making, META } from '../../lib/transfer/overwrite-policy.ts';

const making: Making & { readonly source: string } = {
  source: 'https://a.example/f',
  request: 'r',
  fields: 'f',
  transform: 'gzip 1',
  range: 'bytes=0-9',
};
const metadata = {
  [META.source]: 'https://a.example/f',
  [META.request]: 'r',
  [META.fields]: 'f',
  [META.transform]: 'gzip 1',
  [META.range]: 'bytes=0-9',
};
const found: StoredObject = { key: 'k', bytes: 3, etag: 'e', crc32: 1, contentType: 'text/plain', metadata };

describe('isCopyable', () => {
  it('takes what was made alike, by its version where that is known', () => {
    expect(isCopyable(found, { etag: 'e' }, making)).toBe(true);
    expect(isCopyable(found, {}, making)).toBe(true);
  });

  it.each([
    ['is not there', undefined],
    ['is another version', { ...found, etag: 'other' }],
    ['has no known checksum', { ...found, crc32: undefined }],
    ['is archived', { ...found, isArchived: true }],
    ['is too large for one invocation', { ...found, bytes: 256 * GiB + 1 }],
    ['says nothing of itself', { ...found, metadata: {} }],
  ])('takes nothing that %s', (_, object) => {
    expect(isCopyable(object, { etag: 'e' }, making)).toBe(false);
  });

  it.each(['source', 'request', 'fields', 'transform', 'range'] as const)('takes nothing of another %s', (field) => {
    expect(isCopyable(found, { etag: 'e' }, { ...making, [field]: 'other' })).toBe(false);
    const { [META[field]]: _, ...others } = metadata;
    expect(isCopyable({ ...found, metadata: others }, { etag: 'e' }, making)).toBe(false);
  });
});

describe('describeCopy', () => {
  it('says whose the copy is, and leaves all else as it was', () => {
    const own = { ...metadata, own: 'x', [META.run]: 'earlier@1', [META.line]: '1' };
    const options = { storageClass: 'STANDARD_IA', tags: { a: 'b' }, cacheControl: 'no-store', kmsKeyId: 'key' };

    const copy = describeCopy({ ...found, contentEncoding: 'br', metadata: own }, { run: 'r@2', line: 7 }, options);

    expect(copy).toEqual({
      contentType: 'text/plain',
      contentEncoding: 'br',
      ...options,
      metadata: { ...own, [META.run]: 'r@2', [META.line]: '7' },
    });
  });
});

describe('partsOfCopy', () => {
  it('cuts any object into parts that the store takes, each byte into one of them', () => {
    const anyBytes = fc.integer({ min: 1, max: 256 * GiB });
    fc.assert(
      fc.property(anyBytes, fc.integer({ min: 30 * MiB, max: 5 * GiB }), (bytes, maxPartBytes) => {
        const parts = partsOfCopy(bytes, { maxPartBytes, maxParts: 10_000 });

        expect(parts.length).toBeLessThanOrEqual(10_000);
        let end = 0;
        for (const [index, part] of parts.entries()) {
          expect(part).toMatchObject({ number: index + 1, from: end });
          expect(part.bytes).toBeGreaterThan(0);
          expect(part.bytes).toBeLessThanOrEqual(maxPartBytes);
          end += part.bytes;
        }
        expect(end).toBe(bytes);
      }),
    );
  });
});
