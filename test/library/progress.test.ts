import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { etaSeconds, type Progress, ProgressReporter, Rate } from '../../lib/library/progress.ts';

describe('the rate', () => {
  it('of a steady source is that rate, from the first sample on and however often it is asked', () => {
    const steps = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 50 });

    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), steps, (bytesPerMs, pauses) => {
        const rate = new Rate(1_000);
        let now = 1_000;
        for (const ms of pauses) {
          now += ms;
          rate.sample(now, (now - 1_000) * bytesPerMs);
        }
        expect((rate.bytesPerSecond ?? 0) / (bytesPerMs * 1_000)).toBeCloseTo(1, 6);
      }),
    );
  });

  it('stays between the slowest and the fastest that was measured', () => {
    const samples = fc.array(fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 1e9 })), {
      minLength: 1,
      maxLength: 50,
    });

    fc.assert(
      fc.property(samples, (measured) => {
        const rate = new Rate(0);
        let [now, bytes] = [0, 0];
        for (const [ms, more] of measured) {
          now += ms;
          bytes += more;
          rate.sample(now, bytes);
        }
        const all = measured.map(([ms, more]) => (more / ms) * 1_000);
        expect(rate.bytesPerSecond).toBeGreaterThanOrEqual(Math.min(...all) * (1 - 1e-9));
        expect(rate.bytesPerSecond).toBeLessThanOrEqual(Math.max(...all) * (1 + 1e-9));
      }),
    );
  });

  it('has mostly forgotten what was ten seconds ago, and does not fall to nothing in one pause', () => {
    const rate = new Rate(0);
    for (let second = 1; second <= 30; second += 1) rate.sample(second * 1_000, second * 1_000_000);
    rate.sample(31_000, 30_000_000);
    const afterPause = rate.bytesPerSecond;
    for (let second = 32; second <= 41; second += 1) rate.sample(second * 1_000, 30_000_000);

    expect(afterPause).toBeGreaterThan(750_000);
    expect(rate.bytesPerSecond).toBeLessThan(150_000);
  });

  it('is not known before time has passed, and never negative where an item begins anew', () => {
    const rate = new Rate(0);
    rate.sample(0, 100);
    const atOnce = rate.bytesPerSecond;
    rate.sample(1_000, 5_000);
    rate.sample(2_000, 10);

    expect(atOnce).toBeUndefined();
    expect(rate.bytesPerSecond).toBeGreaterThan(0);
  });
});

describe('the time left', () => {
  it('is what is left at this pace, and unknown without a length or a pace', () => {
    expect(etaSeconds(40, 100, 30)).toBe(2);
    expect(etaSeconds(100, 100, 30)).toBe(0);
    expect(etaSeconds(40, undefined, 30)).toBeUndefined();
    expect(etaSeconds(40, 100, undefined)).toBeUndefined();
    expect(etaSeconds(40, 100, 0)).toBeUndefined();
  });
});

describe('the events of an item', () => {
  it('tell every change of its state, and of its bytes only what the interval allows', () => {
    const told: Progress[] = [];
    const clock = { now: 0 };
    const reporter = new ProgressReporter({
      about: { line: 1, url: 'https://example.com/a' },
      listener: (progress) => told.push(progress),
      intervalMs: 250,
      now: () => clock.now,
    });

    reporter.waiting();
    reporter.reading();
    for (clock.now = 1; clock.now <= 1_000; clock.now += 1) reporter.received(clock.now * 100, 200_000);
    reporter.retrying('ConnectionLost');
    reporter.received(100_100, 200_000);
    reporter.ended();

    expect(told.map(({ state, bytes }) => `${state} ${bytes}`)).toEqual([
      'waiting 0',
      'reading 0',
      'reading 25000',
      'reading 50000',
      'reading 75000',
      'reading 100000',
      'retrying 100000',
      'reading 100100',
      'ended 100100',
    ]);
    expect(told[3]).toMatchObject({ bytesPerSecond: 100_000, etaSeconds: 1.5, retries: 0 });
    expect(told[6]).toMatchObject({ error: 'ConnectionLost', retries: 1 });
  });
});
