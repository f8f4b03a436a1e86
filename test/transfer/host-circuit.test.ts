import { setImmediate, setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostRow } from '../../lib/contract/ledger-row.ts';
import { errorNames } from '../../lib/errors/catalogue.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { HostCircuits } from '../../lib/transfer/host-circuit.ts';

const refused = new SkyhaulError('ConnectFailed', 'a.test: ECONNREFUSED');
const busy = (retryAfterMs?: number) =>
  new SkyhaulError('Throttled', 'https://a.test/x answered 429', {
    status: 429,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
const item = (index: number) => ({ index, isProbe: false });

/** Tells whether a lane that waits for the host now has gone on. */
function lane(hosts: HostCircuits) {
  const state = { isAsked: false };
  const waiting = hosts.mayAsk('a.test').then(() => {
    state.isAsked = true;
  });
  return { state, waiting };
}

function circuits() {
  const clock = { now: 1_000_000 };
  const rows: HostRow[] = [];
  const stop = new AbortController();
  const hosts = new HostCircuits({
    now: () => clock.now,
    random: () => 0,
    signal: stop.signal,
    record: (row) => rows.push(row),
  });
  return { hosts, clock, rows, stop };
}

describe('the hosts of an invocation', () => {
  it('parks a host at the third refusal in a row, and writes it down once', () => {
    const { hosts, rows } = circuits();

    const parked = [0, 1, 0, 3, 4].map((index) => hosts.failed('a.test', refused, item(index)));

    expect(parked).toEqual([undefined, undefined, 15_000, 15_000, 15_000]);
    expect(rows).toEqual([
      { row: 'host', host: 'a.test', error: 'ConnectFailed', message: refused.message, notBefore: 1_015_000 },
    ]);
  });

  it('takes no moment in which every lane was refused once for a host that refuses', () => {
    const { hosts } = circuits();

    const parked = [0, 1, 2, 3, 4, 5].map((index) => hosts.failed('a.test', refused, item(index)));

    expect(new Set(parked)).toEqual(new Set([undefined]));
    expect(hosts.failed('a.test', refused, item(0))).toBe(15_000);
  });

  it('parks a host of items that are not tried again, all the same', () => {
    const { hosts } = circuits();

    const parked = Array.from({ length: 12 }, (_, index) => hosts.failed('a.test', refused, item(index)));

    expect(parked.slice(0, 11)).toEqual(Array(11).fill(undefined));
    expect(parked.at(-1)).toBe(15_000);
  });

  it('never parks a host for one item alone, however often it is refused', () => {
    const { hosts } = circuits();

    for (let tries = 0; tries < 9; tries += 1) expect(hosts.failed('a.test', refused, item(0))).toBeUndefined();
    expect(hosts.failed('a.test', refused, item(1))).toBe(15_000);
  });

  it('begins to count anew when the host has answered, even with an error of its own', () => {
    const { hosts } = circuits();
    const broken = new SkyhaulError('SourceUnavailable', '500', { status: 500 });

    const parked = [refused, refused, broken, refused, refused].map((error, index) =>
      hosts.failed('a.test', error, item(index)),
    );
    hosts.answered('a.test');

    expect(parked.every((ms) => ms === undefined)).toBe(true);
    expect(hosts.failed('a.test', refused, item(9))).toBeUndefined();
  });

  it('H62: parks at once for a long Retry-After, and for exactly as long', () => {
    const { hosts, clock } = circuits();

    expect(hosts.failed('a.test', busy(90_000), item(0))).toBe(90_000);

    expect(hosts.refusalOf('a.test')).toMatchObject({
      name: 'Throttled',
      details: { isUnasked: true, status: 429, retryAfterMs: 90_000, host: 'a.test' },
    });
    clock.now += 90_000;
    expect(hosts.refusalOf('a.test')).toBeUndefined();
  });

  it('parks a host that is silent again at the first refusal of a probe, one that says 503 at the third', () => {
    const probe = { index: 0, isProbe: true };
    const [silent, speaking] = [circuits().hosts, circuits().hosts];

    expect(silent.failed('a.test', refused, probe)).toBe(15_000);
    expect([1, 2, 3].map(() => speaking.failed('a.test', busy(), probe))).toEqual([undefined, undefined, 15_000]);
  });

  it('treats a probe like everybody else once the host has answered', () => {
    const { hosts } = circuits();
    const probe = (index: number) => ({ index, isProbe: true });

    hosts.answered('a.test');

    expect([0, 0, 1].map((index) => hosts.failed('a.test', refused, probe(index)))).toEqual([
      undefined,
      undefined,
      15_000,
    ]);
  });

  it('waits here no more than half a minute in a row for a host, whatever times it asks for', () => {
    const asked = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(asked, fc.integer({ min: 1, max: 6 }), fc.boolean(), (times, lanes, isProbe) => {
        const { hosts, clock } = circuits();
        const startedAt = clock.now;
        for (const [round, ms] of times.entries()) {
          // All lanes are told together, and wait together.
          for (let index = 0; index < lanes; index += 1) hosts.failed('a.test', busy(ms), { index, isProbe });
          if (hosts.isParked('a.test')) return;
          clock.now += ms;
          expect(clock.now - startedAt).toBeLessThanOrEqual(30_000);
          if (lanes > 1 || isProbe) expect(round).toBeLessThan(2);
        }
        // One item alone may ask for less than that altogether: its own attempts end it.
        expect(times.reduce((sum, ms) => sum + ms)).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  it('looks a name up for no more than three items when it does not exist', () => {
    const { hosts, rows } = circuits();
    const unknown = new SkyhaulError('HostNotFound', 'a.test: no such host');

    for (const index of [0, 1, 2]) hosts.failed('a.test', unknown, item(index));

    expect(hosts.refusalOf('a.test')).toMatchObject({ name: 'HostNotFound', details: { isUnasked: true } });
    expect(rows).toEqual([]);
  });

  it('lets every lane of the host wait for a short Retry-After, and nobody else', async () => {
    const { hosts, stop } = circuits();
    hosts.failed('a.test', busy(20_000), item(0));
    let isAsked = false;

    await hosts.mayAsk('b.test');
    const waiting = hosts.mayAsk('a.test').then(() => {
      isAsked = true;
    });
    await setTimeout(20);
    expect(isAsked).toBe(false);
    stop.abort();
    await waiting;

    expect(isAsked).toBe(true);
  });

  it('lets no answer of a request begun before end the pause the host has asked for', async () => {
    const { hosts, stop } = circuits();
    hosts.failed('a.test', busy(20_000), item(0));
    const before = lane(hosts);

    hosts.answered('a.test');
    hosts.failed('a.test', new SkyhaulError('NotFound', '404', { status: 404 }), item(1));
    // A shorter one of a lane that was answered later does not replace it.
    hosts.failed('a.test', busy(1), item(2));
    const after = lane(hosts);
    await setTimeout(50);
    expect([before.state.isAsked, after.state.isAsked]).toEqual([false, false]);
    stop.abort();
    await Promise.all([before.waiting, after.waiting]);

    expect([before.state.isAsked, after.state.isAsked]).toEqual([true, true]);
  });

  it('begins to count anew when the host has answered during a pause', () => {
    const { hosts } = circuits();

    hosts.failed('a.test', busy(10), item(0));
    hosts.failed('a.test', busy(10), item(0));
    hosts.answered('a.test');

    expect(hosts.failed('a.test', busy(10), item(1))).toBeUndefined();
  });

  it('lets a lane that waits already wait for a longer Retry-After that arrives meanwhile', async () => {
    const { hosts, stop } = circuits();
    hosts.failed('a.test', busy(10), item(0));
    const { state, waiting } = lane(hosts);

    hosts.failed('a.test', busy(20_000), item(1));
    await setTimeout(60);
    expect(state.isAsked).toBe(false);
    stop.abort();
    await waiting;

    expect(state.isAsked).toBe(true);
  });

  it('lets every lane go on when the longest of the pauses is over, and the next one at once', async () => {
    const { hosts } = circuits();
    const start = performance.now();
    hosts.failed('a.test', busy(20), item(0));
    const first = lane(hosts);
    hosts.failed('a.test', busy(80), item(1));
    hosts.answered('a.test');
    hosts.failed('a.test', busy(1), item(2));

    await first.waiting;
    // Timers may fire up to 1 ms early.
    expect(performance.now() - start).toBeGreaterThan(75);
    const next = lane(hosts);
    await setImmediate();

    expect(next.state.isAsked).toBe(true);
  });

  it('never lets one host answer for another', () => {
    const errors = fc.constantFrom(...errorNames.map((name) => new SkyhaulError(name, '', { retryAfterMs: 60_000 })));
    const hostNames = fc.constantFrom('a.test', 'b.test', 'c.test:8080');
    fc.assert(
      fc.property(fc.array(fc.tuple(hostNames, errors, fc.nat(5)), { maxLength: 30 }), (failures) => {
        const { hosts } = circuits();

        for (const [host, error, index] of failures) hosts.failed(host, error, item(index));

        for (const host of ['a.test', 'b.test', 'c.test:8080']) {
          const alone = circuits();
          for (const [other, error, index] of failures) {
            if (other === host) alone.hosts.failed(other, error, item(index));
          }
          expect(hosts.refusalOf(host)?.name).toBe(alone.hosts.refusalOf(host)?.name);
        }
      }),
    );
  });

  it('remembers what an earlier attempt on the shard was told', () => {
    const { hosts, clock } = circuits();
    const row = {
      row: 'host',
      host: 'a.test',
      error: 'Throttled',
      message: '429',
      notBefore: clock.now + 5_000,
    } as const;

    hosts.restore([row]);

    expect(hosts.isParked('a.test')).toBe(true);
    clock.now += 5_000;
    expect(hosts.isParked('a.test')).toBe(false);
    expect(hosts.failed('a.test', refused, item(0))).toBe(15_000);
  });
});
