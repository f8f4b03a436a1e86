import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostLimits } from '../../lib/contract/host-limits.ts';
import { type Options, options } from '../../lib/contract/options.ts';
import { planTime } from '../../lib/plan/plan-time.ts';
import { planRound } from '../../lib/plan/round-plan.ts';
import type { Left } from '../../lib/plan/status.ts';

const MiB = 1024 * 1024;

function itemsOf(counts: Readonly<Record<string, number>>, more: Partial<Left> = {}): Left[] {
  const hosts = Object.entries(counts).flatMap(([host, count]) => Array.from({ length: count }, () => host));
  return hosts.map((host, index) => ({
    ...{ index, line: index + 1, host, attempts: 0, notBefore: 0, crashes: 0 },
    ...more,
  }));
}

function planned(ready: readonly Left[], asked: Partial<Options> = {}, workers = 50) {
  const all = options.parse(asked);
  const plan = planRound(ready, { options: all, leads: undefined, workers, maxShards: 10_000 });
  return { plan, time: planTime(plan, new HostLimits(all), workers) };
}

describe('the time of a round', () => {
  it('is that of the longest lane where one host has most of the list', () => {
    const { time } = planned(itemsOf({ slow: 6_000, a: 1, b: 1 }));

    // 1,000 items each on six lanes, 150 ms each, and the start.
    expect(time).toEqual({ seconds: expect.closeTo(151, 0), host: 'slow' });
  });

  it('is never less than the rates of its hosts allow, however many lanes there are', () => {
    const counts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 300 }), { minKeys: 1 });
    const rate = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(counts, rate, fc.integer({ min: 1, max: 30 }), (hosts, perSecond, burst) => {
        const { time, plan } = planned(itemsOf(hosts), { perHostRate: { perSecond, burst } });

        const most = Math.max(...Object.values(hosts));
        expect(time.seconds).toBeGreaterThanOrEqual((most - burst) / perSecond);
        expect(plan.cost.total).toBeGreaterThan(0);
      }),
    );
  });

  it('is never less than maxBytesPerSecond allows, nor without limit quicker than the network', () => {
    const ready = itemsOf({ a: 40, b: 40, c: 40 }, { bytes: 100 * MiB });

    expect(planned(ready, { maxBytesPerSecond: 10 * MiB }).time.seconds).toBeGreaterThanOrEqual(1_200);
    expect(planned(ready, {}, 1).time.seconds).toBeGreaterThan((12_000 * MiB) / 78_000_000);
  });

  it('counts the waiting for a rate into the price', () => {
    const ready = itemsOf({ a: 1_000 });
    const free = planned(ready).plan.cost;
    const paced = planned(ready, { perHostRate: { perSecond: 1 } }).plan.cost;

    expect(paced.compute).toBeGreaterThan(10 * free.compute);
    expect(paced.transitions).toBe(free.transitions);
  });

  it('of nothing is none', () => {
    expect(planned([]).time).toEqual({ seconds: 0 });
  });
});
