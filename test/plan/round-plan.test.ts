import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { options } from '../../lib/contract/options.ts';
import type { LaneShare } from '../../lib/contract/work.ts';
import { planRound, workersFor } from '../../lib/plan/round-plan.ts';
import type { Left } from '../../lib/plan/status.ts';

const MiB = 1024 * 1024;

function left(index: number, host: string, more: Partial<Left> = {}): Left {
  return { index, line: index + 1, host, attempts: 0, notBefore: 0, crashes: 0, ...more };
}

const facts = { leads: undefined, workers: 50, maxShards: 10_000 };

describe('the plan of a round', () => {
  it.each([
    ['of known size on very many hosts', 12_500, { bytes: 10_000 }],
    ['of unknown size on very many hosts', 12_500, {}],
    ['of unknown size on a hundred hosts', 100, {}],
  ])('prices a million small files %s at no more than $0.60 beyond their PUTs', (_name, hosts, more) => {
    // A quarter of them, to be quick.
    const ready = Array.from({ length: 250_000 }, (_, index) => left(index, `h${index % hosts}`, more));

    const { cost, layout } = planRound(ready, { options: options.parse({}), ...facts });

    expect(cost.total).toBeLessThanOrEqual(0.15);
    expect(cost.total).toBeGreaterThan(0.01);
    expect(cost.puts).toBe(1.25);
    expect(Math.min(...layout.shards.map((shard) => shard.flat().length))).toBeGreaterThanOrEqual(300);
  });

  it('numbers the lanes of every group once, each with a share of it', () => {
    const someItems = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 200 });
    const leads = { a: ['c'], b: ['c'] };

    fc.assert(
      fc.property(someItems, (hosts) => {
        const ready = hosts.map((host, index) => left(index, host));
        const {
          shares = [],
          layout,
          pieces,
        } = planRound(ready, {
          ...facts,
          options: options.parse({ perHostRate: { perSecond: 5 } }),
          leads,
        });
        const numbers = new Map<string, number[]>();
        for (const [shard, lanes] of layout.shards.entries()) {
          for (const [lane, [first = -1]] of lanes.entries()) {
            const host = pieces[first]?.host ?? '';
            const group = host === 'd' ? 'd' : 'abc';
            const share = shares[shard]?.[lane];
            numbers.set(group, [...(numbers.get(group) ?? []), share?.number ?? -1]);
            if (host === 'a' || host === 'b') expect(['c', undefined]).toContain(share?.leads?.[0]);
          }
        }
        for (const found of numbers.values()) {
          expect(found.sort((x, y) => x - y)).toEqual(Array.from({ length: found.length }, (_, number) => number));
        }
        for (const [shard, lanes] of layout.shards.entries()) {
          for (const [lane, [first = -1]] of lanes.entries()) {
            const group = pieces[first]?.host === 'd' ? 'd' : 'abc';
            expect(shares[shard]?.[lane]?.of).toBe(numbers.get(group)?.length);
          }
        }
      }),
    );
  });

  it('numbers the shards that have lanes of a group, where robots.txt files are obeyed', () => {
    const hosts = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(hosts, fc.integer({ min: 1, max: 6 }), (given, workers) => {
        const ready = given.map((host, index) => left(index, host, { bytes: 20 * MiB }));
        const asked = options.parse({ robots: true, perHostConnections: 12 });

        const { shares = [], layout, pieces } = planRound(ready, { ...facts, options: asked, workers });

        const found = new Map<string, Map<number, LaneShare['worker']>>();
        for (const [shard, lanes] of layout.shards.entries()) {
          for (const [lane, [first = -1]] of lanes.entries()) {
            const host = pieces[first]?.host ?? '';
            const worker = shares[shard]?.[lane]?.worker;
            const known = found.get(host) ?? new Map();
            // All lanes of a host in one shard are one worker to it.
            if (known.has(shard)) expect(worker).toEqual(known.get(shard));
            found.set(host, known.set(shard, worker));
          }
        }
        for (const workersOf of found.values()) {
          const of = workersOf.size;
          expect(Array.from(workersOf.values())).toEqual(Array.from({ length: of }, (_, number) => ({ number, of })));
        }
      }),
    );
  });

  it('says nothing of shares where no host has a rate', () => {
    expect(planRound([left(0, 'a')], { ...facts, options: options.parse({}) }).shares).toBeUndefined();
  });

  it('divides the bytes a second of the run among the shards that can be at work at once', () => {
    const ready = Array.from({ length: 400 }, (_, index) => left(index, `h${index}`));
    const asked = options.parse({ maxBytesPerSecond: 20 * MiB });
    const plan = (workers: number) => planRound(ready, { ...facts, options: asked, workers });

    expect(plan(10).bytesPerSecond).toBe(2 * MiB);
    expect(planRound(ready.slice(0, 1), { ...facts, options: asked }).bytesPerSecond).toBe(20 * MiB);
  });

  it('lets fewer workers run where each would have next to nothing of the bytes', () => {
    expect(workersFor(50, {})).toBe(50);
    expect(workersFor(50, { maxBytesPerSecond: 5 * MiB })).toBe(5);
    expect(workersFor(50, { maxBytesPerSecond: 1 })).toBe(1);
    expect(workersFor(4, { maxBytesPerSecond: 100 * MiB })).toBe(4);
  });
});
