import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from '../../lib/source/retry-after.ts';

const now = Date.parse('2026-11-03T10:00:00Z');

describe('retryAfterMs', () => {
  it.for<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['0', 0],
    ['7', 7_000],
    ['3600', 3_600_000],
    ['3601', 3_600_000],
    ['99999999999999999999', 3_600_000],
    ['Tue, 03 Nov 2026 10:00:30 GMT', 30_000],
    ['Tuesday, 03-Nov-26 10:00:30 GMT', 30_000],
    ['Tue Nov  3 10:00:30 2026', 30_000],
    ['Tue, 03 Nov 2026 09:59:00 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Tue, 03 Nov 2036 10:00:00 GMT', 3_600_000],
    ['Tue, 99 Nov 2026 10:00:30 GMT', undefined],
    ['Tue, 03 Nov 2026 99:99:99 GMT', undefined],
    ['2026-11-03T10:00:30Z', undefined],
    ['-5', undefined],
    ['5.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['soon', undefined],
    ['', undefined],
    ['7, 8', undefined],
  ])('H62 H63: reads %j as %j', ([value, expected]) => {
    expect(retryAfterMs(value, now)).toBe(expected);
  });

  it('H63: never asks for more than an hour, or for less than nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.bigInt().map(String),
          fc.date({ noInvalidDate: true }).map((at) => at.toUTCString()),
        ),
        (value) => {
          const ms = retryAfterMs(value, now);
          return ms === undefined || (ms >= 0 && ms <= MAX_RETRY_AFTER_MS);
        },
      ),
    );
  });
});
