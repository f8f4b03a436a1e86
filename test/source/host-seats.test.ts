import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Guest, HostSeats } from '../../lib/source/host-seats.ts';

const never = new AbortController().signal;

/** Connects to hosts, one at work at a time, as a lane does. */
class Lane implements Guest {
  readonly open = new Map<string, number>();
  readonly #all: Map<string, number>;
  readonly #seats: HostSeats;

  constructor(seats: HostSeats, all: Map<string, number>) {
    this.#seats = seats;
    this.#all = all;
  }

  async ask(host: string, ticks: number): Promise<number> {
    await this.#seats.take(host, this, never);
    if (!this.open.has(host)) {
      this.open.set(host, 1);
      this.#all.set(host, (this.#all.get(host) ?? 0) + 1);
    }
    const atOnce = this.#all.get(host) ?? 0;
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    void this.#seats.rest(host, this);
    return atOnce;
  }

  async leave(host: string): Promise<void> {
    await Promise.resolve();
    if (this.open.delete(host)) this.#all.set(host, (this.#all.get(host) ?? 0) - 1);
  }

  async close(): Promise<void> {
    for (const host of [...this.open.keys()]) await this.leave(host);
    this.#seats.left(this);
  }
}

describe('the seats at a host', () => {
  it('are never more than its limit, and everybody gets one in the end', async () => {
    const visits = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 12 })), {
      maxLength: 8,
    });

    await fc.assert(
      fc.asyncProperty(fc.array(visits, { maxLength: 10 }), fc.integer({ min: 1, max: 4 }), async (lanes, limit) => {
        const all = new Map<string, number>();
        const seats = new HostSeats(() => limit);
        const work = lanes.map(async (hosts) => {
          const lane = new Lane(seats, all);
          for (const [host, ticks] of hosts) expect(await lane.ask(host, ticks)).toBeLessThanOrEqual(limit);
          await lane.close();
        });

        await Promise.all(work);
        expect([...all.values()].every((count) => count === 0)).toBe(true);
      }),
    );
  });

  it('are given up at once by whoever only keeps a connection for later', async () => {
    const all = new Map<string, number>();
    const seats = new HostSeats(() => 1);
    const [first, second] = [new Lane(seats, all), new Lane(seats, all)];
    await first.ask('a', 0);

    await second.ask('a', 0);

    expect(first.open.size).toBe(0);
    expect(second.open.size).toBe(1);
  });

  it('are not lost to those who wait when a lane that is giving its seat up is closed meanwhile', async () => {
    const all = new Map<string, number>();
    const seats = new HostSeats(() => 1);
    const leave = Promise.withResolvers<void>();
    const slow: Guest = { leave: () => leave.promise };
    await seats.take('a', slow, never);
    await seats.rest('a', slow);
    const [second, third] = [new Lane(seats, all), new Lane(seats, all)];
    const asked = second.ask('a', 20);
    await sleep(1);
    seats.left(slow);
    leave.resolve();
    const atOnce = await Promise.all([asked, third.ask('a', 0)]);

    expect(atOnce).toEqual([1, 1]);
  });

  it('are kept by whoever asks again when nobody waits', async () => {
    const all = new Map<string, number>();
    const lane = new Lane(new HostSeats(() => 1), all);
    for (let count = 0; count < 3; count += 1) await lane.ask('a', 1);

    expect(lane.open.get('a')).toBe(1);
  });

  it('are not waited for any longer by whoever is stopped', async () => {
    const all = new Map<string, number>();
    const seats = new HostSeats(() => 1);
    const busy = new Lane(seats, all);
    await seats.take('a', busy, never);
    const stop = new AbortController();
    const waiting = seats.take('a', new Lane(seats, all), stop.signal);
    await sleep(1);
    stop.abort();

    await waiting;
    const next = new Lane(seats, all);
    const asked = next.ask('a', 0);
    await seats.rest('a', busy);

    expect(await asked).toBe(1);
  });
});
