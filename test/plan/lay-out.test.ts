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

  it('lets lanes of a short list wait together, and packs a long one of small files a thousand to a shard', () => {
    const short = Array.from({ length: 200 }, (_, index) => left(index, `host-${index % 60}`));
    const long = Array.from({ length: 200_000 }, (_, index) => left(index, `host-${index % 20_000}`));

    expect(layOut(short, { ...limits, maxShards: 10_000, workers: 50 }).shards.length).toBe(12);
    expect(layOut(long, { ...limits, maxShards: 10_000, workers: 50 }).shards.length).toBe(200_000 / 1_000);
  });

  it('puts lanes of small files together, of which a worker has room for many, and large files apart', () => {
    const lanesOf = (bytes: number) =>
      layOut(
        Array.from({ length: 60_000 }, (_, index) => left(index, `host-${index % 100}`, { bytes })),
        { ...limits, maxShards: 10_000, workers: 50 },
      ).shards.map((lanes) => lanes.length);

    expect(lanesOf(10_000)).toEqual([...Array.from({ length: 36 }, () => 16), 600 - 36 * 16]);
    expect(lanesOf(1e9)).toEqual(Array.from({ length: 600 }, () => 1));
  });

  it('hands the ranges of one large file to as many workers as its lanes allow', () => {
    const ranges = Array.from({ length: 4 }, () => left(0, 'host', { bytes: 250 * 1024 * 1024 }));

    const { shards } = layOut(ranges, { ...limits, perHostConnections: 2, maxShards: 10_000, workers: 50 });

    expect(shards.map((lanes) => lanes.length)).toEqual([1, 1]);
  });

  it('lets no shard of a long list have fewer than 300 small items', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 50 });

    fc.assert(
      fc.property(sizes, fc.integer({ min: 100, max: 20_000 }), (bytes, hosts) => {
        const items = Array.from({ length: 60_000 }, (_, index) =>
          left(index, `h${index % hosts}`, { bytes: bytes[index % bytes.length] ?? 0 }),
        );
        const { shards } = layOut(items, { ...limits, maxShards: 10_000, workers: 50 });

        for (const shard of shards) expect(shard.flat().length).toBeGreaterThanOrEqual(300);
      }),
      { numRuns: 8 },
    );
  });

  it('makes no shard heavier than the mean and its heaviest lane', () => {
    const sized = someItems.map((items) => items.map(({ most: _, ...item }) => item));
    const weight = (item: Left | undefined) => (item?.bytes ?? 2 ** 20) + 2 ** 18;

    fc.assert(
      fc.property(sized, someLimits, (items, limit) => {
        const { shards } = layOut(items, limit);
        const lanes = shards.map((shard) =>
          shard.map((lane) => lane.reduce((sum, position) => sum + weight(items[position]), 0)),
        );
        const weights = lanes.map((shard) => shard.reduce((sum, one) => sum + one, 0));
        const mean = weights.reduce((sum, one) => sum + one, 0) / Math.max(1, shards.length);

        for (const one of weights) expect(one).toBeLessThanOrEqual(mean + Math.max(...lanes.flat()));
      }),
    );
  });

  it('makes no lane heavier than the mean lane of its host and its heaviest item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e9 }), { minLength: 1, maxLength: 100 }), (sizes) => {
        const items = sizes.map((bytes, index) => left(index, 'a', { bytes }));
        const lanes = layOut(items, limits)
          .shards.flat()
          .map((lane) => lane.reduce((sum, position) => sum + (items[position]?.bytes ?? 0) + 2 ** 18, 0));
        const mean = lanes.reduce((sum, one) => sum + one, 0) / lanes.length;

        expect(Math.max(...lanes)).toBeLessThanOrEqual(mean + Math.max(...sizes) + 2 ** 18);
      }),
    );
  });

  it('gives hosts of few items in a very long list one lane each, and a lone host all of its connections', () => {
    const many = Array.from({ length: 40_000 }, (_, index) => left(index, `host-${index % 2_000}`));
    const one = Array.from({ length: 40_000 }, (_, index) => left(index, 'a'));
    const countOf = (items: readonly Left[]) => layOut(items, { ...limits, workers: 4 }).shards.flat().length;

    expect(countOf(many)).toBe(2_000);
    expect(countOf(one)).toBe(6);
  });

  it('keeps every group of hosts to the lanes that it may have', () => {
    const groups = new Map([
      ['a', { key: 'ab', connections: 2 }],
      ['b', { key: 'ab', connections: 2 }],
      ['c', { key: 'c', connections: 1 }],
    ]);
    const groupOf = (host: string) => groups.get(host) ?? { key: host, connections: 5 };

    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        const counts = new Map<string, number>();
        for (const lane of layOut(items, { ...limit, groupOf }).shards.flat()) {
          const keys = new Set(lane.map((position) => groupOf(items[position]?.host ?? '').key));
          expect(keys.size).toBe(1);
          const [key = ''] = keys;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }

        expect(counts.get('ab') ?? 0).toBeLessThanOrEqual(2);
        expect(counts.get('c') ?? 0).toBeLessThanOrEqual(1);
        expect(counts.get('d') ?? 0).toBeLessThanOrEqual(5);
      }),
    );
  });

  it('gives the same answer for the same items', () => {
    fc.assert(
      fc.property(someItems, someLimits, (items, limit) => {
        expect(layOut(items, limit)).toEqual(layOut(structuredClone(items), limit));
      }),
    );
  });
});
