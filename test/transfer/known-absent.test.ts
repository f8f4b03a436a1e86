import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it as test } from 'vitest';
import { compareKeys } from '../../lib/store/key-order.ts';
import { KnownAbsent, pays, rangeToList } from '../../lib/transfer/known-absent.ts';

const bytes = (key: string) => Buffer.from(key);
const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `d/${String(from + index).padStart(6, '0')}`);

/** What stands there, listed as a store does it; how many keys were taken. */
function listingOf(
  standing: readonly string[],
  { now = () => 0, fails = false }: { now?: () => number; fails?: boolean } = {},
) {
  const sorted = standing.toSorted(compareKeys);
  const taken = { keys: 0, listings: 0 };
  async function* list(prefix: string, after: string) {
    taken.listings += 1;
    if (fails) throw new Error('AccessDenied');
    for (const given of sorted) {
      if (!given.startsWith(prefix) || compareKeys(given, after) <= 0) continue;
      taken.keys += 1;
      yield { key: given };
    }
  }
  return { listing: { list, now }, taken };
}

/** Until the listing has come as far as it goes. */
async function settled(absent: KnownAbsent, first: string): Promise<void> {
  await absent.has(first);
  await sleep(5);
}

test('keys are sorted as their bytes are', () => {
  fc.assert(
    fc.property(key, key, (one, other) => {
      expect(Math.sign(compareKeys(one, other))).toBe(Math.sign(Buffer.compare(bytes(one), bytes(other))));
    }),
  );
  expect(compareKeys('\uff5e', '🙂')).toBeLessThan(0);
});

describe('what is listed', () => {
  test('goes from the smallest key to the largest, below all that they share', () => {
    fc.assert(
      fc.property(key, fc.array(key, { minLength: 26, maxLength: 60 }), (shared, names) => {
        const keys = names.map((name) => shared + name);
        const range = rangeToList(keys);

        const sorted = keys.toSorted((one, other) => Buffer.compare(bytes(one), bytes(other)));
        expect(range).toMatchObject({ after: sorted[0], upTo: sorted.at(-1) });
        for (const given of keys) expect(given.startsWith(range?.prefix ?? 'none')).toBe(true);
        expect(range?.prefix.isWellFormed()).toBe(true);
        expect(range?.prefix.length).toBeGreaterThanOrEqual(shared.length);
      }),
    );
  });

  test('is nothing for a few keys: looking is cheaper', () => {
    expect(rangeToList([])).toBeUndefined();
    expect(rangeToList(numbered(0, 25))).toBeUndefined();
    expect(rangeToList(numbered(0, 26))).toBeDefined();
  });

  test('goes on while every page spares 200 looks on the average', () => {
    expect(pays({ pages: 1, absent: 199 })).toBe(false);
    expect(pays({ pages: 1, absent: 200 })).toBe(true);
    expect(pays({ pages: 4, absent: 799 })).toBe(false);
    expect(pays({ pages: 4, absent: 800 })).toBe(true);
  });
});

describe('a key', () => {
  test('that is said to be absent is absent, whatever stands there and is asked for', async () => {
    const small = fc.stringMatching(/^[ab🙂\uff5e]{1,3}$/u);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(small, { minLength: 26, maxLength: 50 }),
        fc.array(small),
        async (keys, there) => {
          const absent = new KnownAbsent(keys, listingOf([...new Set(there)]).listing);
          const smallest = keys.toSorted(compareKeys)[0];

          for (const given of keys) {
            // The smallest one stands outside of what is listed.
            expect(await absent.has(given)).toBe(given !== smallest && !there.includes(given));
          }
        },
      ),
    );
  });

  test('is asked for in one listing, by whoever comes first', async () => {
    const keys = numbered(0, 100);
    const { listing, taken } = listingOf([]);
    const absent = new KnownAbsent(keys, listing);

    const known = await Promise.all(keys.map((given) => absent.has(given)));

    expect(known).toEqual(keys.map((_, index) => index > 0));
    expect(taken.listings).toBe(1);
  });

  test('that nobody named before is not known', async () => {
    const absent = new KnownAbsent(numbered(0, 100), listingOf([]).listing);

    expect(await absent.has('d/000050x')).toBe(false);
  });

  test('is looked at where the listing fails, or comes in no order', async () => {
    const keys = numbered(0, 100);
    const failing = new KnownAbsent(keys, listingOf([], { fails: true }).listing);
    const unsorted = new KnownAbsent(keys, {
      now: () => 0,
      async *list() {
        yield { key: 'd/000050' };
        yield { key: 'd/000049' };
      },
    });

    for (const absent of [failing, unsorted]) {
      for (const given of keys) expect(await absent.has(given)).toBe(false);
    }
  });

  test('is known for three minutes', async () => {
    let now = 1_000;
    const { listing, taken } = listingOf([], { now: () => now });
    const absent = new KnownAbsent(numbered(0, 100), listing);

    expect(await absent.has('d/000050')).toBe(true);
    now += 179_999;
    expect(await absent.has('d/000050')).toBe(true);
    now += 1;
    expect(await absent.has('d/000050')).toBe(false);
    expect(taken.listings).toBe(1);
  });
});

describe('a listing', () => {
  test('is made once more when its time is over, of what nobody has asked about', async () => {
    let now = 0;
    const keys = numbered(0, 100);
    const { listing, taken } = listingOf(['d/000060'], { now: () => now });
    const absent = new KnownAbsent(keys, listing);
    for (const given of keys.slice(0, 50)) await absent.has(given);

    now += 180_000;
    const known = [];
    for (const given of keys.slice(50)) known.push(await absent.has(given));

    // The smallest is not among what comes behind it.
    expect(known).toEqual(keys.slice(50).map((given) => given !== 'd/000050' && given !== 'd/000060'));
    expect(taken.listings).toBe(2);
  });

  test('is not made once more for a few keys', async () => {
    let now = 0;
    const keys = numbered(0, 60);
    const { listing, taken } = listingOf([], { now: () => now });
    const absent = new KnownAbsent(keys, listing);
    for (const given of keys.slice(0, 35)) await absent.has(given);

    now += 180_000;

    expect(await absent.has('d/000050')).toBe(false);
    expect(taken.listings).toBe(1);
  });

  test('of a list that is there already ends with its first page', async () => {
    const keys = numbered(0, 10_000);
    const { listing, taken } = listingOf(keys);
    const absent = new KnownAbsent(keys, listing);

    await settled(absent, 'd/000500');

    expect(taken.keys).toBe(1_000);
  });

  test('is given up where other objects stand close, and what it has told by then stays known', async () => {
    const others = Array.from({ length: 100_000 }, (_, index) => `d/000300/${String(index).padStart(6, '0')}`);
    const keys = numbered(0, 1_000);
    const { listing, taken } = listingOf(others);
    const absent = new KnownAbsent(keys, listing);

    await settled(absent, 'd/000020');

    // 300 keys stand in front of all that: that pays for one page more.
    expect(taken.keys).toBe(2_000);
    expect(await absent.has('d/000020')).toBe(true);
    expect(await absent.has('d/000400')).toBe(false);
  });

  test('of a list half of which is there goes to the end of it', async () => {
    const keys = numbered(0, 10_000);
    const { listing, taken } = listingOf(keys.filter((_, index) => index % 2 === 0));
    const absent = new KnownAbsent(keys, listing);

    await settled(absent, 'd/000500');

    expect(taken.keys).toBe(4_999);
    expect(await absent.has('d/009997')).toBe(true);
    expect(await absent.has('d/009998')).toBe(false);
  });

  test('ends when nobody wants to know any more', async () => {
    const keys = numbered(0, 10_000);
    const { listing, taken } = listingOf(keys.filter((_, index) => index % 2 === 0));
    const absent = new KnownAbsent(keys, listing);

    absent.end();
    await settled(absent, 'd/000020');

    expect(taken.keys).toBe(1_000);
  });
});
