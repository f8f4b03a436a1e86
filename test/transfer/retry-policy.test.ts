import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorNames } from '../../lib/errors/catalogue.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { decideRetry } from '../../lib/transfer/retry-policy.ts';
import { Tries } from '../../lib/transfer/tries.ts';

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
    expect([1, 2, 3, 4].map((attempts) => afterMs(attempts, 0.5))).toEqual([500, 1_000, 15_000, 30_000]);
  });

  it('takes any pause up to the longest, with full jitter', () => {
    const afterMs = (attempts: number, random: number) => decideRetry({ ...facts, attempts, random });

    expect([1, 2, 3, 4].map((attempts) => afterMs(attempts, 0))).toMatchObject(Array(4).fill({ afterMs: 0 }));
    expect(afterMs(3, 0.999_999)).toMatchObject({ action: 'defer', afterMs: 30_000 });
  });

  it('leaves the lane at once where the host of the item is parked', () => {
    expect(decideRetry({ ...facts, parkedMs: 7_000 })).toEqual({ action: 'defer', afterMs: 7_000, parkHost: true });
    expect(decideRetry({ ...facts, attempts: 5, parkedMs: 7_000 })).toEqual({ action: 'fail' });
  });

  it('counts no try where nobody was asked', () => {
    const tries = new Tries({ failed: 2, resumes: 0, maxAttempts: 3, random: () => 0, onFailure: () => 9_000 });

    const decision = tries.decide(new SkyhaulError('Throttled', '429', { isUnasked: true, retryAfterMs: 9_000 }));

    expect(decision).toEqual({ action: 'defer', afterMs: 9_000, parkHost: true });
    expect(tries.failed).toBe(2);
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
