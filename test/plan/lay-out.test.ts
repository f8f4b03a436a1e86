import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOut } from '../../lib/plan/lay-out.ts';
import type { Left } from '../../lib/plan/status.ts';

const limits = { perHostConnections: 6, maxShards: 40, workers: 4 };

function left(index: number, host: string, more: Partial<Left> = {}): Left {
  return { index, line: index + 1, host, attempts: 0, notBefore: 0, crashes: 0, ...more };
}

const someItems = fc
  .array(
    fc.record({
      host: fc.constantFrom('a', 'b', 'c', 'd'),
      bytes: fc.option(fc.integer({ min: 0, max: 1e12 }), { nil: undefined }),
      most: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
    { maxLength: 200 },
  )
  .map((items) =>
    items.map(({ host, bytes, most }, index) =>
      left(index, host, { ...(bytes !== undefined && { bytes }), ...(most !== undefined && { most }) }),
    ),
  );

const someLimits = fc.record({
  perHostConnections: fc.integer({ min: 1, max: 8 }),
  maxShards: fc.integer({ min: 2, max: 40 }),
  workers: fc.integer({ min: 1, max: 50 }),
});

describe('layOut', () => {
  it('puts no item into two lanes, and leaves none out that is free to go anywhere', () => {
    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        const placed = layOut(items, limit).shards.flat(2);

        expect(new Set(placed).size).toBe(placed.length);
        if (items.every(({ most }) => most === undefined)) expect(placed.length).toBe(items.length);
        if (items.length > 0) expect(placed.length).toBeGreaterThan(0);
      }),
    );
  });

  it('never gives a host more lanes than connections, nor mixes hosts in a lane', () => {
    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        const lanes = layOut(items, limit).shards.flat();
        const lanesOf = new Map<string, number>();
        for (const lane of lanes) {
          const hosts = new Set(lane.map((position) => items[position]?.host));
          expect(hosts.size).toBe(1);
          const [host = ''] = hosts;
          lanesOf.set(host, (lanesOf.get(host) ?? 0) + 1);
        }

        for (const count of lanesOf.values()) expect(count).toBeLessThanOrEqual(limit.perHostConnections);
      }),
    );
  });

  it('keeps to the number of shards and leaves none of them empty', () => {
    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        const { shards } = layOut(items, limit);

        expect(shards.length).toBeLessThanOrEqual(limit.maxShards);
        for (const shard of shards) expect(shard.flat().length).toBeGreaterThan(0);
      }),
    );
  });

  it('puts an item that crashed its worker into a shard no larger than it asks for', () => {
    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        for (const shard of layOut(items, limit).shards) {
          const positions = shard.flat();
          for (const position of positions) {
            expect(positions.length).toBeLessThanOrEqual(items[position]?.most ?? Number.POSITIVE_INFINITY);
          }
        }
      }),
    );
  });

  it('deals large items out evenly over the lanes of a host', () => {
    const items = Array.from({ length: 12 }, (_, index) => left(index, 'a', { bytes: (index + 1) * 1e9 }));

    const weights = layOut(items, limits)
      .shards.flat()
      .map((lane) => lane.reduce((sum, position) => sum + (items[position]?.bytes ?? 0), 0));

    expect(weights).toEqual(Array.from({ length: 6 }, () => 13e9));
  });

  it('spreads a short list over the workers there are, and packs a long one of small files 300 to a shard', () => {
    const short = Array.from({ length: 200 }, (_, index) => left(index, `host-${index % 60}`));
    const long = Array.from({ length: 100_000 }, (_, index) => left(index, `host-${index % 5_000}`));

    expect(layOut(short, { ...limits, maxShards: 10_000, workers: 50 }).shards.length).toBe(50);
    expect(layOut(long, { ...limits, maxShards: 10_000, workers: 50 }).shards.length).toBe(Math.ceil(100_000 / 300));
  });

  it('gives the same answer for the same items', () => {
    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        expect(layOut(items, limit)).toEqual(layOut(structuredClone(items), limit));
      }),
    );
  });
});
