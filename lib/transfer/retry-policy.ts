import type { SkyhaulError } from '../errors/skyhaul-error.ts';

/**
 * What to do after an attempt on an item failed: pure. Short pauses are waited for in the lane; from the third attempt on
 * the item leaves the lane to its neighbours and comes back in a later round, since waiting in a Lambda is paid for. So it
 * does at once where its host is parked. Pauses of our own are chosen with full jitter: anything from nothing to the
 * longest, so that those who failed together do not come back together.
 */
export type RetryDecision =
  | { readonly action: 'fail' }
  | { readonly action: 'retry'; readonly afterMs: number }
  /** `parkHost`: the whole lane stops, and nobody else goes there before. */
  | { readonly action: 'defer'; readonly afterMs: number; readonly parkHost: boolean };

export interface RetryFacts {
  readonly error: SkyhaulError;
  /** Including the one that failed. */
  readonly attempts: number;
  /** Nobody asks the host of this item before so many milliseconds. */
  readonly parkedMs?: number | undefined;
  readonly maxAttempts: number;
  /** 0 ≤ x < 1 */
  readonly random: number;
}

/** A longer Retry-After is not slept through in a lane (FAULTS H62). */
export const MAX_SLEEP_MS = 20_000;
const SHORT_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 1_000;
const FIRST_DEFERRAL_MS = 30_000;
const MAX_DEFERRAL_MS = 600_000;

export function decideRetry({ error, attempts, maxAttempts, parkedMs, random }: RetryFacts): RetryDecision {
  if (!error.retryable || attempts >= maxAttempts) return { action: 'fail' };
  if (parkedMs !== undefined) return { action: 'defer', afterMs: parkedMs, parkHost: true };
  const asked = error.details.retryAfterMs;
  if (asked !== undefined) {
    if (asked <= MAX_SLEEP_MS) return { action: 'retry', afterMs: asked };
    return { action: 'defer', afterMs: asked, parkHost: true };
  }
  if (attempts < SHORT_ATTEMPTS) {
    return { action: 'retry', afterMs: Math.round(random * FIRST_PAUSE_MS * 2 ** (attempts - 1)) };
  }
  const longest = Math.min(MAX_DEFERRAL_MS, FIRST_DEFERRAL_MS * 2 ** (attempts - SHORT_ATTEMPTS));
  return { action: 'defer', afterMs: Math.round(longest * random), parkHost: false };
}
