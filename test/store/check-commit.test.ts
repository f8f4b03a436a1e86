import { expect, test } from 'vitest';
import { checkCommit } from '../../lib/store/check-commit.ts';

const limits = { minPartBytes: 1, maxPartBytes: 10, maxParts: 10_000, maxObjectBytes: 100_000 };

function partsOf(count: number, bytes = 0) {
  return Array.from({ length: count }, (_, index) => ({ number: index + 1, bytes, crc32: 0, etag: '' }));
}

test('S10: an upload of 10,001 parts is refused before S3 is asked', () => {
  const commit = { bytes: 0, crc32: 0, condition: { kind: 'absent' as const } };

  expect(() => checkCommit('k', partsOf(10_001), commit, limits)).toThrow('1 to 10000 parts, found 10001');
  expect(() => checkCommit('k', partsOf(10_000), commit, { ...limits, minPartBytes: 0 })).not.toThrow();
});

test('S10: a part above the largest is refused', () => {
  const commit = { bytes: 11, crc32: 0, condition: { kind: 'absent' as const } };

  expect(() => checkCommit('k', partsOf(1, 11), commit, limits)).toThrow('more than 10 bytes');
});
