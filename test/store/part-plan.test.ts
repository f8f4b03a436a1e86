import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GiB, MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS, MIN_PART_BYTES, MiB } from '../../lib/contract/limits.ts';
import type { StoreLimits } from '../../lib/store/object-store.ts';
import { maxBytesOf, type PartPlan, partCount, partRange, planParts } from '../../lib/store/part-plan.ts';

const s3: StoreLimits = {
  minPartBytes: MIN_PART_BYTES,
  maxPartBytes: MAX_PART_BYTES,
  maxParts: MAX_PARTS,
  maxObjectBytes: MAX_OBJECT_BYTES,
};
const TiB = 1024 * GiB;
/** Small and huge ones, and those next to where the size of a part changes. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 100 * MiB }),
  fc.bigInt({ min: 1n, max: BigInt(MAX_OBJECT_BYTES) }).map(Number),
  fc
    .tuple(fc.integer({ min: 8, max: 5_120 }), fc.integer({ min: -1, max: 1 }))
    .map(([mebibytes, off]) => Math.min(mebibytes * MiB * MAX_PARTS + off, MAX_OBJECT_BYTES)),
);
const pools = fc.integer({ min: 16, max: 10_240 }).map((mebibytes) => mebibytes * MiB);

function planOf(bytes: number | undefined, bufferBytes = 2 * GiB, canStream = true): PartPlan {
  const planned = planParts(bytes, s3, { bufferBytes, canStream });
  if ('tooLarge' in planned) throw new Error(`too large: ${planned.tooLarge}`);
  return planned.plan;
}

/** The parts follow one another from byte 0 without gap or overlap, and each but the last has a size that S3 takes. */
function checkParts(plan: PartPlan, count: number): number {
  let at = 0;
  let wrong = 0;
  for (let number = 1; number <= count; number += 1) {
    const { from, bytes } = partRange(plan, number);
    const isUsable = bytes <= MAX_PART_BYTES && (bytes >= MIN_PART_BYTES || number === count);
    if (from !== at || !isUsable) wrong += 1;
    at += bytes;
  }
  expect(wrong).toBe(0);
  return at;
}

describe('a plan of known length', () => {
  it('S10, S11: cuts every length from 1 byte to 48.8 TiB into parts 1..n that cover it exactly', () => {
    fc.assert(
      fc.property(lengths, pools, (bytes, bufferBytes) => {
        const plan = planOf(bytes, bufferBytes);
        const count = partCount(plan);

        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(MAX_PARTS);
        expect(checkParts(plan, count)).toBe(bytes);
        expect(maxBytesOf(plan, s3)).toBe(bytes);
        // Any other part would be bytes that the object has not.
        for (const none of [0, -1, 1.5, count + 1]) expect(() => partRange(plan, none)).toThrow(`no part ${none}`);
      }),
    );
  });

  it('takes the smallest whole MiB, from 8 up, that fits, and the largest object in parts of 5 GiB', () => {
    fc.assert(
      fc.property(lengths, (bytes) => {
        const { partBytes } = planOf(bytes);

        expect(partBytes % MiB).toBe(0);
        expect(partBytes).toBeGreaterThanOrEqual(8 * MiB);
        if (partBytes > 8 * MiB) expect(Math.ceil(bytes / (partBytes - MiB))).toBeGreaterThan(MAX_PARTS);
      }),
    );
    expect(planOf(80_000 * MiB).partBytes).toBe(8 * MiB);
    expect(planOf(80_000 * MiB + 1).partBytes).toBe(9 * MiB);
    expect(planOf(MAX_OBJECT_BYTES).partBytes).toBe(5 * GiB);
  });

  it('has no part where there are no bytes', () => {
    expect(partCount(planOf(0))).toBe(0);
    expect(() => partRange(planOf(0), 1)).toThrow('no part 1');
  });

  it('S04: streams what half of the pool does not hold, and refuses it where it cannot be fetched again', () => {
    fc.assert(
      fc.property(lengths, pools, (bytes, bufferBytes) => {
        const streamed = planParts(bytes, s3, { bufferBytes, canStream: true });
        const buffered = planParts(bytes, s3, { bufferBytes, canStream: false });

        if ('tooLarge' in streamed) throw new Error('S3 takes it');
        expect(streamed.isStreamed).toBe(streamed.plan.partBytes > Math.min(bufferBytes / 2, GiB));
        if (!streamed.isStreamed) expect(buffered).toEqual(streamed);
        else expect(buffered).toHaveProperty('tooLarge');
      }),
    );
  });

  it('says the honest maximum: that many bytes go, one more does not', () => {
    fc.assert(
      fc.property(pools, fc.boolean(), (bufferBytes, canStream) => {
        const memory = { bufferBytes, canStream };
        const refused = planParts(MAX_OBJECT_BYTES + 1, s3, memory);
        const most = 'tooLarge' in refused ? refused.tooLarge : Number.NaN;

        expect(planParts(most, s3, memory)).toHaveProperty('plan');
        expect(planParts(most + 1, s3, memory)).toEqual({ tooLarge: most });
      }),
    );
    expect(planParts(TiB, s3, { bufferBytes: 16 * MiB, canStream: false })).toEqual({ tooLarge: 80_000 * MiB });
    expect(planParts(20 * TiB, s3, { bufferBytes: 64 * GiB, canStream: false })).toEqual({ tooLarge: 10_000 * GiB });
  });
});

describe('a plan of unknown length', () => {
  it('S10: grows from 8 MiB, never beyond half of the pool, and passes exactly up to its stated limit', () => {
    fc.assert(
      fc.property(pools, (bufferBytes) => {
        const plan = planOf(undefined, bufferBytes);
        const sizes = Array.from({ length: MAX_PARTS }, (_, i) => partRange(plan, i + 1).bytes);

        expect(sizes[0]).toBe(8 * MiB);
        expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
        expect(sizes.at(-1)).toBeLessThanOrEqual(bufferBytes / 2);
        expect(checkParts(plan, MAX_PARTS)).toBe(maxBytesOf(plan, s3));
      }),
      { numRuns: 20 },
    );
  });

  it('S10: passes terabytes in the usual Lambda, and 78 GiB in the smallest', () => {
    const limitAt = (poolMiB: number) => maxBytesOf(planOf(undefined, poolMiB * MiB), s3) / MiB;

    // 1,769 MiB less what Node itself takes: 3.27 TiB.
    expect(limitAt(1_769 - 160)).toBe(3_428_000);
    expect(limitAt(16)).toBe(80_000);
  });

  it('keeps its parts when the length becomes known at the end', () => {
    fc.assert(
      fc.property(pools, fc.integer({ min: 1, max: 2 * TiB }), (bufferBytes, wish) => {
        const plan = planOf(undefined, bufferBytes);
        const bytes = Math.min(wish, maxBytesOf(plan, s3));
        const ended = { ...plan, bytes };
        const count = partCount(ended);

        expect(checkParts(ended, count)).toBe(bytes);
        if (count > 1) expect(partRange(ended, count - 1)).toEqual(partRange(plan, count - 1));
        expect(partRange(ended, count).from).toBe(partRange(plan, count).from);
      }),
    );
  });

  it('refuses to count what it does not know', () => {
    expect(() => partCount(planOf(undefined))).toThrow('unknown length');
  });
});
