import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorNames } from '../../lib/errors/catalogue.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { decideRetry } from '../../lib/transfer/retry-policy.ts';

const lost = new SkyhaulError('ConnectionLost', 'cut');
const facts = { error: lost, attempts: 1, maxAttempts: 5, random: 0.5 };

describe('decideRetry', () => {
  it('never tries again what the catalogue calls final, nor more often than allowed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...errorNames), fc.integer({ min: 1, max: 9 }), (name, attempts) => {
        const error = new SkyhaulError(name, '');

        const { action } = decideRetry({ ...facts, error, attempts });

        expect(action === 'fail').toBe(!error.retryable || attempts >= 5);
      }),
    );
  });

  it('tries again in the lane at first, then leaves the lane to its neighbours', () => {
    const actions = [1, 2, 3, 4, 5].map((attempts) => decideRetry({ ...facts, attempts }).action);

    expect(actions).toEqual(['retry', 'retry', 'defer', 'defer', 'fail']);
  });

  it('waits longer each time and never twice the same', () => {
    const afterMs = (attempts: number, random: number) => {
      const decision = decideRetry({ ...facts, attempts, random });
      return decision.action === 'fail' ? Number.NaN : decision.afterMs;
    };

    expect(afterMs(1, 0)).not.toBe(afterMs(1, 0.9));
    expect([1, 2, 3, 4].map((attempts) => afterMs(attempts, 0.5))).toEqual([500, 1_000, 22_500, 45_000]);
  });

  it('H62: sleeps through a short Retry-After, and parks the host for a long one', () => {
    const throttled = (retryAfterMs: number) => new SkyhaulError('Throttled', '429', { retryAfterMs });

    expect(decideRetry({ ...facts, error: throttled(2_000) })).toEqual({ action: 'retry', afterMs: 2_000 });
    expect(decideRetry({ ...facts, error: throttled(60_000) })).toEqual({
      action: 'defer',
      afterMs: 60_000,
      parkHost: true,
    });
  });
});
