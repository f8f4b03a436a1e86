import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countBytes, pauseWindow, resumeWindow, startWindow } from '../../lib/source/throughput-window.ts';

const limit = { minBytesPerSecond: 1_024, windowMs: 60_000 };

describe('the throughput window', () => {
  it('H29: calls a byte every half second too slow when the window is over, not before', () => {
    let window = startWindow(0);
    const verdicts: string[] = [];
    for (let at = 500; at <= 60_000; at += 500) {
      const counted = countBytes(window, 1, at, limit);
      window = counted.window;
      verdicts.push(counted.verdict);
    }

    expect(verdicts.slice(0, -1).every((verdict) => verdict === 'fine')).toBe(true);
    expect(verdicts.at(-1)).toBe('too-slow');
  });

  it('H29: sees a transfer that becomes slow, within two windows', () => {
    const fast = countBytes(startWindow(0), 100_000_000, 60_000, limit);

    expect(fast.verdict).toBe('fine');
    expect(countBytes(fast.window, 1, 120_000, limit).verdict).toBe('too-slow');
  });

  it('does not count the time in which the reader was behind', () => {
    const some = countBytes(startWindow(0), 10_000, 1_000, limit).window;
    const resumed = resumeWindow(pauseWindow(some, 1_000), 3_600_000);

    expect(countBytes(resumed, 1, 3_601_000, limit)).toMatchObject({ verdict: 'fine', window: { activeMs: 2_000 } });
  });

  it('counts bytes that come although the reader is behind', () => {
    const paused = pauseWindow(startWindow(0), 30_000);
    const counted = countBytes(paused, 500, 50_000, limit).window;

    expect(counted).toEqual({ bytes: 500, activeMs: 30_000, since: undefined });
  });

  it('never condemns a source that is as fast as it must be, however its bytes are spread', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 100 }), (gaps) => {
        let window = startWindow(0);
        let at = 0;
        for (const gap of gaps) {
          at += gap;
          const counted = countBytes(window, Math.ceil((gap * 1_024) / 1_000), at, limit);
          window = counted.window;
          if (counted.verdict !== 'fine') return false;
        }
        return true;
      }),
    );
  });

  it('condemns nothing when it is turned off, and survives a clock that goes back', () => {
    expect(countBytes(startWindow(0), 0, 600_000, { ...limit, minBytesPerSecond: 0 }).verdict).toBe('fine');
    expect(countBytes(startWindow(60_000), 1, 0, limit)).toMatchObject({ verdict: 'fine', window: { activeMs: 0 } });
  });
});
