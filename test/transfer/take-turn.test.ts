import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { HostLimits } from '../../lib/contract/host-limits.ts';
import { options } from '../../lib/contract/options.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { CrawlTurns } from '../../lib/source/crawl-turns.ts';
import { HostCircuits } from '../../lib/transfer/host-circuit.ts';
import { LanePace, type PaceOptions, Strangers } from '../../lib/transfer/lane-pace.ts';
import { takeTurn } from '../../lib/transfer/run-lane.ts';

const HOST = 'a.test';
const busy = (retryAfterMs: number) => new SkyhaulError('Throttled', '429', { status: 429, retryAfterMs });

function hostsAt(clock: { now: number }) {
  const stop = new AbortController();
  const hosts = new HostCircuits({
    now: () => clock.now,
    random: () => 0,
    signal: stop.signal,
    record: () => undefined,
  });
  return { hosts, stop };
}

describe('the turn of a lane at a host', () => {
  it('is not taken in a pause that began while the lane waited for its pace', async () => {
    const { hosts, stop } = hostsAt({ now: 0 });
    const paces: PromiseWithResolvers<void>[] = [];
    let isTaken = false;
    const taking = takeTurn(HOST, hosts, () => {
      const pace = Promise.withResolvers<void>();
      paces.push(pace);
      return pace.promise;
    }).then(() => {
      isTaken = true;
    });
    await setTimeout(5);

    hosts.failed(HOST, busy(20_000), { index: 1, isProbe: false });
    paces[0]?.resolve();
    await setTimeout(30);
    expect([isTaken, paces.length]).toEqual([false, 1]);
    stop.abort();
    await setTimeout(5);

    // What was waited for before the pause is not used behind it.
    expect([isTaken, paces.length]).toEqual([false, 2]);
    paces[1]?.resolve();
    await taking;
    expect(isTaken).toBe(true);
  });

  it('is not taken when the host was parked while the lane waited for its pace', async () => {
    const { hosts } = hostsAt({ now: 0 });

    const taking = takeTurn(
      HOST,
      hosts,
      async () => void hosts.failed(HOST, busy(90_000), { index: 1, isProbe: false }),
    );

    await expect(taking).rejects.toMatchObject({
      name: 'Throttled',
      details: { isUnasked: true, retryAfterMs: 90_000 },
    });
  });
});

describe('the pace of a lane', () => {
  function paceAt(clock: { now: number }, given: object, more: Partial<PaceOptions> = {}) {
    const slept: number[] = [];
    const all: PaceOptions = {
      limits: new HostLimits(options.parse(given)),
      isFresh: true,
      now: () => clock.now,
      sleep: async (ms) => {
        slept.push(ms);
        clock.now += ms;
      },
      turns: new CrawlTurns(),
      isAlone: true,
      ...more,
    };
    const { signal } = new AbortController();
    const pace = new LanePace(all, { number: 0, of: 1 }, [HOST], new Strangers(all, 0, 1));
    return { pace, slept, mayAsk: (delayMs = 0) => pace.mayAsk(HOST, delayMs, signal) };
  }

  it('is waited for once for an item, and again when the item has come to nothing for a while', async () => {
    const clock = { now: 1_000_000 };
    const { pace, slept, mayAsk } = paceAt(clock, { perHostRate: { perSecond: 0.1 } }, { isFresh: false });

    await pace.beReady(HOST);
    await mayAsk();
    expect(slept.length).toBe(1);
    await pace.beReady(HOST);
    // The host has asked for time meanwhile, or the destination took its own.
    clock.now += 5_000;
    await mayAsk();

    expect(slept.length).toBe(3);
  });

  it('is that of a delay without a burst where a robots.txt wants one, and of the rate where that is slower', async () => {
    const clock = { now: 1_000_000 };
    const waits = async (perSecond: number) => {
      const turns = new CrawlTurns();
      const { mayAsk } = paceAt(clock, { perHostRate: { perSecond, burst: 10 } }, { turns });
      await mayAsk(50);
      return turns.take({ host: HOST, delayMs: 50, share: { number: 0, of: 1 }, isFresh: true }, clock.now) - clock.now;
    };

    expect(await waits(100)).toBe(50);
    expect(await waits(2)).toBe(500);
  });
});
