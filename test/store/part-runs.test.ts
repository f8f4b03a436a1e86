import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { partCount } from '../../lib/store/part-plan.ts';
import { cutIntoRanges, missingRuns, type PartRun } from '../../lib/store/part-runs.ts';

const partBytes = 8 * MiB;

describe('missing parts', () => {
  const numbers = (runs: readonly PartRun[]) =>
    runs.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  const state = fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }).map((isThere) => {
    const all = isThere.map((_, i) => i + 1);
    const missing = all.filter((number) => !isThere[number - 1]);
    const have = new Set(all.filter((number) => isThere[number - 1]));
    return { plan: { bytes: all.length * partBytes - 1, partBytes }, missing, have };
  });

  it('are told as the fewest runs, exactly those that are not there', () => {
    fc.assert(
      fc.property(state, ({ plan, missing, have }) => {
        const runs = missingRuns(plan, have);

        expect(numbers(runs)).toEqual(missing);
        for (const [i, { first }] of runs.entries()) expect(first).toBeGreaterThan((runs[i - 1]?.last ?? -1) + 1);
      }),
    );
  });

  it('are told within a range of parts, of unknown length too', () => {
    fc.assert(
      fc.property(state, fc.nat(59), fc.nat(59), ({ plan, missing, have }, a, b) => {
        const within = { first: Math.min(a, b) + 1, last: Math.min(Math.max(a, b) + 1, partCount(plan)) };
        const wanted = missing.filter((number) => number >= within.first && number <= within.last);

        expect(numbers(missingRuns(plan, have, within))).toEqual(wanted);
        expect(numbers(missingRuns({ bytes: undefined, partBytes }, have, within))).toEqual(wanted);
      }),
    );
  });

  it('I12: are shared out in ranges without loss or overlap, in order, as evenly as whole parts allow', () => {
    fc.assert(
      fc.property(state, fc.integer({ min: 1, max: 70 }), ({ plan, missing, have }, count) => {
        const ranges = cutIntoRanges(missingRuns(plan, have), count);
        const shares = ranges.map((range) => numbers(missingRuns(plan, have, range)));
        const sizes = shares.map((share) => share.length);

        expect(shares.flat()).toEqual(missing);
        expect(ranges.length).toBe(Math.min(count, missing.length));
        for (const [i, { first }] of ranges.entries()) expect(first).toBeGreaterThan(ranges[i - 1]?.last ?? 0);
        if (ranges.length > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
    expect(cutIntoRanges([{ first: 4, last: 10_000 }], 2)).toEqual([
      { first: 4, last: 5_001 },
      { first: 5_002, last: 10_000 },
    ]);
  });
});
