import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS, MIN_PART_BYTES, MiB } from '../../lib/contract/limits.ts';
import { partBytesFor } from '../../lib/transfer/part-plan.ts';

const s3 = {
  minPartBytes: MIN_PART_BYTES,
  maxPartBytes: MAX_PART_BYTES,
  maxParts: MAX_PARTS,
  maxObjectBytes: MAX_OBJECT_BYTES,
};

describe('partBytesFor', () => {
  it('fits every length that S3 takes into 10,000 parts of 5 MiB to 5 GiB', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: BigInt(MAX_OBJECT_BYTES) }), (length) => {
        const partBytes = partBytesFor(Number(length), s3) ?? Number.NaN;

        expect(partBytes).toBeGreaterThanOrEqual(MIN_PART_BYTES);
        expect(partBytes).toBeLessThanOrEqual(MAX_PART_BYTES);
        expect(Math.ceil(Number(length) / partBytes)).toBeLessThanOrEqual(MAX_PARTS);
      }),
    );
  });

  it('takes 8 MiB as long as that is enough, and for an unknown length', () => {
    expect(partBytesFor(78_000 * MiB, s3)).toBe(8 * MiB);
    expect(partBytesFor(undefined, s3)).toBe(8 * MiB);
  });

  it('says so when an object is larger than the store takes', () => {
    expect(partBytesFor(MAX_OBJECT_BYTES + 1, s3)).toBeUndefined();
  });
});
