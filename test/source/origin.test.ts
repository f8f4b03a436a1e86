import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, piecesOf } from '../support/origin-bytes.ts';

describe('the bytes of the origin', () => {
  it('depend on seed and position only', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(5_000), (from, length) => {
        expect(bytesOf('x', length, from)).toEqual(bytesOf('x', from + length).subarray(from));
      }),
    );
    expect(bytesOf(1, 1_000)).not.toEqual(bytesOf(2, 1_000));
  });

  it('are the same in pieces', () => {
    expect(Buffer.concat([...piecesOf('x', 200_001)])).toEqual(bytesOf('x', 200_001));
    expect(Buffer.concat([...piecesOf('x', 1_001, 7)])).toEqual(bytesOf('x', 1_001));
  });
});
