import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SlotShare, type Slots, startSlots, takeSlot } from '../../lib/transfer/request-slots.ts';

const BEGIN = 1_800_000_000_000;

/** Lanes of one host, each of which asks again as soon as its pause behind the last request is over. */
const someLanes = fc.record({
  perSecond: fc.double({ min: 0.05, max: 200, noNaN: true }),
  burst: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  isFresh: fc.boolean(),
  lanes: fc.array(
    fc.record({
      beginsAtMs: fc.integer({ min: 0, max: 60_000 }),
      pausesMs: fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 40 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

type Lanes = typeof someLanes extends fc.Arbitrary<infer T> ? T : never;

function startsOf({ perSecond, burst, isFresh, lanes }: Lanes): number[] {
  return lanes
    .flatMap(({ beginsAtMs, pausesMs }, number) => {
      const share: SlotShare = { rate: { perSecond, burst }, number, of: lanes.length };
      let now = BEGIN + beginsAtMs;
      let slots: Slots = startSlots(share, now, isFresh);
      return pausesMs.map((pauseMs) => {
        const taken = takeSlot(slots, share, now);
        slots = taken.slots;
        expect(taken.startAt).toBeGreaterThanOrEqual(now);
        now = taken.startAt + pauseMs;
        return taken.startAt;
      });
    })
    .sort((a, b) => a - b);
}

describe('the requests of all lanes of a host', () => {
  it('are never more in any stretch of time than its rate and its burst', () => {
    fc.assert(
      fc.property(someLanes, (lanes) => {
        const starts = startsOf(lanes);
        const { perSecond, burst = 1 } = lanes;
        for (let first = 0; first < starts.length; first += 1) {
          for (let last = first; last < starts.length; last += 1) {
            const seconds = ((starts[last] ?? 0) - (starts[first] ?? 0)) / 1_000;
            // The ends of the stretch, and the last digits of large numbers.
            expect(last - first + 1).toBeLessThanOrEqual(burst + seconds * perSecond + 1.01);
          }
        }
      }),
    );
  });

  it('of one lane that has always something to ask are as many as the rate allows', () => {
    const share: SlotShare = { rate: { perSecond: 4 }, number: 1, of: 2 };
    let slots = startSlots(share, BEGIN, false);
    let now = BEGIN;
    for (let count = 0; count < 20; count += 1) {
      const taken = takeSlot(slots, share, now);
      slots = taken.slots;
      now = taken.startAt;
    }

    // 20 requests at 2 a second, the first of them within half a second.
    expect(now - BEGIN).toBeGreaterThan(9_400);
    expect(now - BEGIN).toBeLessThanOrEqual(10_000);
  });

  it('begin with the burst where nobody has asked in this run, and without it where somebody has', () => {
    const share: SlotShare = { rate: { perSecond: 1, burst: 6 }, number: 0, of: 2 };
    const atOnce = (isFresh: boolean) => {
      let slots = startSlots(share, BEGIN + 1, isFresh);
      let count = 0;
      while (count < 100) {
        const taken = takeSlot(slots, share, BEGIN + 1);
        if (taken.startAt > BEGIN + 1) return count;
        slots = taken.slots;
        count += 1;
      }
      return count;
    };

    expect(atOnce(true)).toBe(3);
    expect(atOnce(false)).toBe(0);
  });
});
